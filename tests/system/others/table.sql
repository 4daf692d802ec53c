CREATE TABLE people (id int, first text, last text, mail text, born date, hours numeric, active boolean, note text);
INSERT INTO people VALUES (1,'Ada','Larkin','ada@example.test','1989-02-28',3.25,true,'first line
second line'),(2,'Zoë','O''Neill, "Z"',NULL,'2004-02-29',-17,false,'a;b|c	d'),(3,'山田','太郎 😀','yamada@example.test',NULL,1234567890123,NULL,' blanks at both ends '),(4,'Ben','=1+1','#N/A','1900-03-01',0.1,true,'007');

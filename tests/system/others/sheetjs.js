const X=require('xlsx');
const d=(y,m,q)=>new Date(Date.UTC(y,m-1,q));
const rows=[["id","first","last","mail","born","hours","active","note"],
[1,"Ada","Larkin","ada@example.test",d(1989,2,28),3.25,true,"first line\nsecond line"],
[2,"Zoë",'O\'Neill, "Z"',"",d(2004,2,29),-17,false,"a;b|c\td"],
[3,"山田","太郎 😀","yamada@example.test",null,1234567890123,null," blanks at both ends "],
[4,"Ben","=1+1","#N/A",d(1900,3,1),0.1,true,"007"]];
const ws=X.utils.aoa_to_sheet(rows,{dateNF:"yyyy-mm-dd",UTC:true}); const wb=X.utils.book_new();
X.utils.book_append_sheet(wb,ws,"People");
X.writeFile(wb,"sheetjs.xlsx",{bookSST:true,compression:true}); X.writeFile(wb,"sheetjs-inline.xlsx"); 
X.writeFile(wb,"sheetjs.txt",{bookType:"txt"});
X.writeFile(wb,"sheetjs.csv",{bookType:"csv"});
try{X.writeFile(wb,"sheetjs.dbf",{bookType:"dbf"});}catch(e){console.log("dbf",e.message)}

import datetime, sys, csv, openpyxl
PEOPLE = [
 [1, "Ada", "Larkin", "ada@example.test", datetime.date(1989,2,28), 3.25, True, "first line\nsecond line"],
 [2, "Zoë", 'O\'Neill, "Z"', "", datetime.date(2004,2,29), -17, False, "a;b|c\td"],
 [3, "山田", "太郎 😀", "yamada@example.test", None, 1234567890123, None, " blanks at both ends "],
 [4, "Ben", "=1+1", "#N/A", datetime.date(1900,3,1), 0.1, True, "007"],
]
HEAD = ["id","first","last","mail","born","hours","active","note"]
def text(v):
    if v is None: return ""
    if v is True: return "true"
    if v is False: return "false"
    return str(v)
if __name__=="__main__":
    b=openpyxl.Workbook(); s=b.active; s.title="People"; s.append(HEAD)
    for p in PEOPLE: s.append(p)
    s["C5"].data_type = s["D5"].data_type = "s"   # texts: no formula, no error
    for r in (2,3,5): s.cell(r,5).number_format="yyyy-mm-dd"
    b.save("openpyxl.xlsx")
    rows=[[text(v) for v in p] for p in PEOPLE]
    def w(name, enc="utf-8", **kw):
        with open(name,"w",newline="",encoding=enc) as f:
            x=csv.writer(f,**kw); x.writerow(HEAD); x.writerows(rows)
    w("python-excel.csv", dialect="excel")
    w("python-excel-tab.csv", dialect="excel-tab")
    w("python-unix.csv", dialect="unix")
    w("python-semicolon-utf16.csv", enc="utf-16", delimiter=";")
    w("python-apostrophes.csv", quotechar="'", quoting=csv.QUOTE_NONNUMERIC)

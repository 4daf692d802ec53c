/*
 * MakeAccess.java - the Access files beside it, by Jackcess 4.0.5
 *
 * Jackcess begins with an empty file that Access made, and writes as Access
 * does. Nothing but these files needs it:
 *
 *	mvn dependency:get -Dartifact=com.healthmarketscience.jackcess:jackcess:4.0.5
 *	javac -cp "$JARS" MakeAccess.java && java -cp "$JARS:." MakeAccess FOLDER
 *	gzip -9n FOLDER/*
 *
 * with jackcess, commons-lang3 and commons-logging of ~/.m2 in JARS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
import com.healthmarketscience.jackcess.*;
import java.io.File;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.util.UUID;

public class MakeAccess {
	static void fill(File file, Database.FileFormat format, int count)
		throws Exception {
		try (Database db = new DatabaseBuilder(file)
				.setFileFormat(format).create()) {
			Table people = new TableBuilder("People")
				.addColumn(new ColumnBuilder("ID", DataType.LONG)
					.setAutoNumber(true))
				.addColumn(new ColumnBuilder("Full Name", DataType.TEXT)
					.setLengthInUnits(100).setCompressedUnicode(true))
				.addColumn(new ColumnBuilder("Mail", DataType.TEXT)
					.setLengthInUnits(200))
				.addColumn(new ColumnBuilder("Notes", DataType.MEMO))
				.addColumn(new ColumnBuilder("Active", DataType.BOOLEAN))
				.addColumn(new ColumnBuilder("Level", DataType.BYTE))
				.addColumn(new ColumnBuilder("Floor", DataType.INT))
				.addColumn(new ColumnBuilder("Boss", DataType.LONG))
				.addColumn(new ColumnBuilder("Salary", DataType.MONEY))
				.addColumn(new ColumnBuilder("Share", DataType.NUMERIC)
					.setPrecision(18).setScale(6))
				.addColumn(new ColumnBuilder("Weight", DataType.FLOAT))
				.addColumn(new ColumnBuilder("Height", DataType.DOUBLE))
				.addColumn(new ColumnBuilder("Hired", DataType.SHORT_DATE_TIME))
				.addColumn(new ColumnBuilder("Token", DataType.GUID))
				.addColumn(new ColumnBuilder("Badge", DataType.BINARY)
					.setLength(16))
				.addColumn(new ColumnBuilder("Photo", DataType.OLE))
				.addIndex(new IndexBuilder(IndexBuilder.PRIMARY_KEY_NAME)
					.addColumns("ID").setPrimaryKey())
				.toTable(db);
			StringBuilder memo = new StringBuilder();
			for (int i = 0; i < 900; i++)
				memo.append("line ").append(i).append(i % 7 == 0 ? " \u20ac\n" : "\n");
			byte[] photo = new byte[5000];
			for (int i = 0; i < photo.length; i++)
				photo[i] = (byte) (i * 7);
			people.addRow(Column.AUTO_NUMBER, "Ada Lovelace",
				"ada@corp.test", memo.toString(), true, 200, -12, null,
				new BigDecimal("922337203685477.5807"),
				new BigDecimal("123456789012.345678"), 1.5f, 0.1,
				LocalDateTime.of(1999, 12, 31, 23, 59, 59),
				UUID.fromString("6f9619ff-8b86-d011-b42d-00c04fc964ff").toString().toUpperCase().replaceAll("^(.*)$", "{$1}"),
				new byte[] { 0, 1, 2, (byte) 0xff }, photo);
			people.addRow(Column.AUTO_NUMBER, "\u0141ukasz \u00d8 \u65e5\u672c \ud83d\ude00",
				"lukasz@corp.test", "short", false, 0, 32767, 1,
				new BigDecimal("-0.5"), new BigDecimal("-1.000000"),
				-2.25f, -1e300,
				LocalDateTime.of(1899, 12, 30, 6, 0, 0), null, null,
				null);
			people.addRow(Column.AUTO_NUMBER, null, null, null, false, null,
				null, null, null, null, null, null,
				LocalDateTime.of(1850, 3, 4, 12, 30, 0), null, null,
				null);
			people.addRow(Column.AUTO_NUMBER, "quoted \"a\", b\nc\\d", "", "", true,
				1, 1, 2, new BigDecimal("10"), new BigDecimal("0"), 0f, 0d,
				LocalDateTime.of(2026, 11, 22, 0, 0, 0), null,
				new byte[] {}, new byte[] {10, 13, 34});
			for (int i = 5; i <= count; i++)
				people.addRow(Column.AUTO_NUMBER, "Person " + i,
					"p" + i + "@corp.test", null, i % 2 == 0, i % 256,
					i, 1, new BigDecimal(i), new BigDecimal(i), (float) i,
					(double) i, LocalDateTime.of(2020, 1, 1, 0, 0, 0).plusDays(i),
					null, null, null);
			Table teams = new TableBuilder("Teams")
				.addColumn(new ColumnBuilder("Name", DataType.TEXT).setLengthInUnits(50))
				.addColumn(new ColumnBuilder("Lead", DataType.LONG))
				.addIndex(new IndexBuilder(IndexBuilder.PRIMARY_KEY_NAME)
					.addColumns("Name").setPrimaryKey())
				.toTable(db);
			teams.addRow("Engines", 1);
			teams.addRow("Looms", 2);
			Table phones = new TableBuilder("Phones")
				.addColumn(new ColumnBuilder("Person", DataType.LONG))
				.addColumn(new ColumnBuilder("Number", DataType.TEXT).setLengthInUnits(40))
				.toTable(db);
			phones.addRow(1, "11");
			phones.addRow(1, "12");
			new RelationshipBuilder(people, phones).addColumns("ID", "Person")
				.setReferentialIntegrity().toRelationship(db);
			new TableBuilder("Empty")
				.addColumn(new ColumnBuilder("Name", DataType.TEXT).setLengthInUnits(50))
				.toTable(db);
			Table wide = new TableBuilder("Deleted")
				.addColumn(new ColumnBuilder("Name", DataType.TEXT).setLengthInUnits(50))
				.toTable(db);
			wide.addRow("stays");
			wide.addRow("goes");
			for (Row row : wide)
				if ("goes".equals(row.getString("Name")))
					wide.deleteRow(row);
		}
	}
	/* Rows that moved, went and came before a column did. */
	static void change(File file) throws Exception {
		try (Database db = new DatabaseBuilder(file)
				.setFileFormat(Database.FileFormat.V2019).create()) {
			Table moved = new TableBuilder("Moved")
				.addColumn(new ColumnBuilder("ID", DataType.LONG))
				.addColumn(new ColumnBuilder("Name", DataType.TEXT)
					.setLengthInUnits(250).setCompressedUnicode(true))
				.addColumn(new ColumnBuilder("Big", DataType.BIG_INT))
				.addColumn(new ColumnBuilder("Since", DataType.EXT_DATE_TIME))
				.toTable(db);
			for (int i = 1; i <= 200; i++)
				moved.addRow(i, "n" + i, 9000000000L + i,
					LocalDateTime.of(1, 1, 1, 0, 0, 0).plusDays(i * 3000L).plusSeconds(i));
			for (Row row : moved) {
				int id = row.getInt("ID");
				if (id % 3 == 0) {
					row.put("Name", "long " + id + " " + "x".repeat(200));
					moved.updateRow(row);
				}
			}
			for (Row row : moved)
				if (row.getInt("ID") % 10 == 0)
					moved.deleteRow(row);
			new ColumnBuilder("Later", DataType.TEXT).setLengthInUnits(20)
				.addToTable(moved);
			moved.addRow(201, "new", 1L, null, "late");
		}
	}

	public static void main(String[] a) throws Exception {
		fill(new File(a[0] + "/people.mdb"), Database.FileFormat.V2000, 60);
		fill(new File(a[0] + "/people.accdb"), Database.FileFormat.V2010, 60);
		change(new File(a[0] + "/moved.accdb"));
		if (a.length > 1)
			fill(new File(a[0] + "/large.accdb"), Database.FileFormat.V2010, Integer.parseInt(a[1]));
	}
}

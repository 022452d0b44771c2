BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE handins (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	submitted TEXT NOT NULL, 
	late BOOLEAN NOT NULL, 
	ids JSON NOT NULL, 
	path TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_handins PRIMARY KEY (id), 
	CONSTRAINT uq_handins_key UNIQUE ("key")
);
INSERT INTO "handins" VALUES(1,'d3399dfae910e2f1c720e7c749fdbc4c982c3b6329fe4c391ed830517fa24236','Άννα Παπαδοπούλου',1,'',0,'{}','','1001-1');
INSERT INTO "handins" VALUES(2,'067e42a5d2dd76af27a974f84f1b53fce8171b27f5e260447f30b59ef9a8937b','Άννα Παπαδοπούλου',1,'',0,'{}','','other');
CREATE TABLE history (
	id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	what TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	"before" JSON NOT NULL, 
	"after" JSON NOT NULL, 
	CONSTRAINT pk_history PRIMARY KEY (id)
);
INSERT INTO "history" VALUES(1,'2026-12-01T04:30:00+00:00','Ελένη','enrolled','1001','{}','{"id": "1001", "name": "\u0386\u03bd\u03bd\u03b1 \u03a0\u03b1\u03c0\u03b1\u03b4\u03bf\u03c0\u03bf\u03cd\u03bb\u03bf\u03c5", "email": "anna@example.org", "group": "", "section": "", "extra_days": 0, "active": true}');
INSERT INTO "history" VALUES(2,'2026-12-01T04:30:00+00:00','Ελένη','enrolled','1002','{}','{"id": "1002", "name": "\u0393\u03b9\u03ce\u03c1\u03b3\u03bf\u03c2 \u0392.", "email": "", "group": "", "section": "", "extra_days": 1, "active": true}');
INSERT INTO "history" VALUES(3,'2026-12-01T04:30:00+00:00','Ελένη','graded','1001','{}','{"score": 7.5, "attempt": 1}');
INSERT INTO "history" VALUES(4,'2026-12-01T04:30:00+00:00','Ελένη','graded','1001','{}','{"score": 9.0, "attempt": 1}');
INSERT INTO "history" VALUES(5,'2026-12-01T04:30:00+00:00','Ελένη','override','1002','{}','{"points": 3, "reason": "\u03c0\u03c1\u03bf\u03c6\u03bf\u03c1\u03b9\u03ba\u03ac"}');
CREATE TABLE late_days (
	id INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	days INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	CONSTRAINT pk_late_days PRIMARY KEY (id)
);
CREATE TABLE marks (
	id INTEGER NOT NULL, 
	handin INTEGER NOT NULL, 
	question TEXT NOT NULL, 
	answer_digest TEXT NOT NULL, 
	points DOUBLE NOT NULL, 
	marker TEXT NOT NULL, 
	comment TEXT NOT NULL, 
	marked TEXT NOT NULL, 
	CONSTRAINT pk_marks PRIMARY KEY (id), 
	CONSTRAINT fk_marks_handin FOREIGN KEY(handin) REFERENCES handins (id)
);
CREATE TABLE overrides (
	id INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	step INTEGER, 
	points DOUBLE NOT NULL, 
	reason TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	withdrawn TEXT, 
	CONSTRAINT pk_overrides PRIMARY KEY (id)
);
INSERT INTO "overrides" VALUES(1,'1002',NULL,3.0,'προφορικά','Ελένη','2026-12-01T04:30:00+00:00',NULL);
CREATE TABLE owners (
	handin INTEGER NOT NULL, 
	student TEXT NOT NULL, 
	CONSTRAINT pk_owners PRIMARY KEY (handin, student), 
	CONSTRAINT fk_owners_handin FOREIGN KEY(handin) REFERENCES handins (id)
);
INSERT INTO "owners" VALUES(1,'1001');
INSERT INTO "owners" VALUES(2,'1001');
CREATE TABLE results (
	id INTEGER NOT NULL, 
	handin INTEGER NOT NULL, 
	seal TEXT NOT NULL, 
	graded TEXT NOT NULL, 
	score DOUBLE NOT NULL, 
	max_score DOUBLE NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_results PRIMARY KEY (id), 
	CONSTRAINT fk_results_handin FOREIGN KEY(handin) REFERENCES handins (id)
);
INSERT INTO "results" VALUES(1,1,'54519f5ab0f46830403f9553f36e0102322e5dc691d5788f70660a15d18bfcc8','2026-12-01T04:30:00+00:00',7.5,10.0,'{"schema":3,"course":"Words","submission":"anna","source":"","digest":"1f","handin":null,"score":7.5,"max_score":10.0,"isolation":{"level":"unused","layers":{}},"time_limit":900.0,"steps":[],"versions":{},"checks":[{"id":"step01.runs","step":1,"title":"It runs","points":7.5,"max_points":10.0,"outcome":"passed","message":"","hint":"","visibility":"public","seconds":0.1,"dropped":""}],"written":[{"id":"1.1","step":1,"title":"Why","answer":"Γιατί έτσι.","status":"to be marked"}],"notes":[],"tampered":"","seal":"54519f5ab0f46830403f9553f36e0102322e5dc691d5788f70660a15d18bfcc8"}');
INSERT INTO "results" VALUES(2,2,'4934738ed5edd9f321a57b93bf56fc4df71b23d908c9caf4a18113ca7a5652d0','2026-12-01T04:30:00+00:00',9.0,10.0,'{"schema":3,"course":"Words","submission":"anna","source":"","digest":"1f","handin":null,"score":9.0,"max_score":10.0,"isolation":{"level":"unused","layers":{}},"time_limit":900.0,"steps":[],"versions":{},"checks":[{"id":"step01.runs","step":1,"title":"It runs","points":9.0,"max_points":10.0,"outcome":"passed","message":"","hint":"","visibility":"public","seconds":0.1,"dropped":""}],"written":[],"notes":[],"tampered":"","seal":"4934738ed5edd9f321a57b93bf56fc4df71b23d908c9caf4a18113ca7a5652d0"}');
CREATE TABLE steps (
	result INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	points DOUBLE NOT NULL, 
	max_points DOUBLE NOT NULL, 
	CONSTRAINT pk_steps PRIMARY KEY (result, step), 
	CONSTRAINT fk_steps_result FOREIGN KEY(result) REFERENCES results (id)
);
INSERT INTO "steps" VALUES(1,1,7.5,10.0);
INSERT INTO "steps" VALUES(2,1,9.0,10.0);
CREATE TABLE students (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	team TEXT NOT NULL, 
	section TEXT NOT NULL, 
	extra_days INTEGER NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_students PRIMARY KEY (id)
);
INSERT INTO "students" VALUES('1001','Άννα Παπαδοπούλου','anna@example.org','','',0,1);
INSERT INTO "students" VALUES('1002','Γιώργος Β.','','','',1,1);
CREATE INDEX ix_late_days_student ON late_days (student);
CREATE INDEX ix_overrides_student ON overrides (student);
CREATE INDEX ix_marks_handin ON marks (handin);
CREATE INDEX ix_owners_student ON owners (student);
CREATE INDEX ix_results_handin ON results (handin);
COMMIT;

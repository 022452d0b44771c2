"""Pages that people open in a browser: feedback on a submission, and a class. They need nothing besides themselves."""

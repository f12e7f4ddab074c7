-- When the run was given a slot last: who has waited longest is next where slots are too few for all.
ALTER TABLE engineHostUse ADD COLUMN servedAt TEXT;

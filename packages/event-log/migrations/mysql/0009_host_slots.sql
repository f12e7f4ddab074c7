-- How many slots the host has, as far as this run knows: where runs say different numbers, the least counts.
ALTER TABLE engineHostUse ADD COLUMN hostSlots INT NOT NULL DEFAULT 1024;

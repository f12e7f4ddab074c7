// Word error rate by edit distance over words (substitutions, insertions and deletions weigh the same).

export function wordErrors(reference, hypothesis) {
  const [expected, heard] = [wordsOf(reference), wordsOf(hypothesis)];
  const distance = distances(expected, heard);
  return { errors: distance[expected.length][heard.length], words: expected.length };
}

// How many errors fall into each segment, along the best alignment of all segments with the reference; a missing word
// counts for the segment whose words come next.
export function alignedErrors(reference, segments) {
  const expected = wordsOf(reference);
  const owners = segments.flatMap((text, segment) => wordsOf(text).map((word) => ({ word, segment })));
  const heard = owners.map(({ word }) => word);
  const distance = distances(expected, heard);
  const errors = segments.map(() => 0);
  let [i, j] = [expected.length, heard.length];
  while (i > 0 || j > 0) {
    const same = i > 0 && j > 0 && expected[i - 1] === heard[j - 1];
    if (i > 0 && j > 0 && distance[i][j] === distance[i - 1][j - 1] + (same ? 0 : 1)) {
      if (!same) errors[owners[j - 1].segment] += 1;
      i -= 1;
      j -= 1;
    } else if (j > 0 && distance[i][j] === distance[i][j - 1] + 1) {
      errors[owners[j - 1].segment] += 1;
      j -= 1;
    } else {
      const owner = owners[j] ?? owners.at(-1);
      if (owner) errors[owner.segment] += 1;
      i -= 1;
    }
  }
  return errors;
}

function distances(expected, heard) {
  const table = expected.concat("").map((_, i) => heard.concat("").map((_word, j) => (i === 0 ? j : j === 0 ? i : 0)));
  for (let i = 1; i <= expected.length; i++) {
    for (let j = 1; j <= heard.length; j++) {
      const replaced = table[i - 1][j - 1] + (expected[i - 1] === heard[j - 1] ? 0 : 1);
      table[i][j] = Math.min(table[i - 1][j] + 1, table[i][j - 1] + 1, replaced);
    }
  }
  return table;
}

function wordsOf(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z' ]/g, " ")
    .split(" ")
    .filter((word) => word !== "");
}

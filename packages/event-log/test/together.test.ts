/** What is asked for one by one and done together. */
import { expect, test } from "vitest";
import { Together } from "@cofi/event-log/together";

function recorded(most: number, isOfOne?: (error: unknown) => boolean) {
  const calls: number[][] = [];
  const together = new Together<number, string>({
    async work(items) {
      calls.push([...items]);
      if (items.includes(13)) throw new Error(`${items.length} of them`);
      return items.map((item) => `done ${item}`);
    },
    most,
    ...(isOfOne && { isOfOne }),
  });
  return { calls, together };
}

test("what comes in one turn is one call, in parts of so many, and each gets its own result", async () => {
  const { calls, together } = recorded(3);
  const results = await Promise.all([1, 2, 3, 4, 5].map((item) => together.add(item)));
  expect(results).toEqual(["done 1", "done 2", "done 3", "done 4", "done 5"]);
  expect(calls).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(await together.add(6)).toBe("done 6");
});

test("what is too large together is divided, and one that is larger is done by itself", async () => {
  const calls: number[][] = [];
  const together = new Together<number, number>({
    async work(items) {
      calls.push([...items]);
      return items;
    },
    most: 4,
    sizeOf: (item) => item,
    mostSize: 10,
  });
  const items = [3, 7, 1, 20, 5, 5, 1, 1, 1, 1, 1];
  expect(await Promise.all(items.map((item) => together.add(item)))).toEqual(items);
  expect(calls).toEqual([[3, 7], [1], [20], [5, 5], [1, 1, 1, 1], [1]]);
});

test("what comes while others are being done is done after them, together", async () => {
  const calls: number[][] = [];
  const ends: (() => void)[] = [];
  const together = new Together<number, number>({
    async work(items) {
      calls.push([...items]);
      await new Promise<void>((resolve) => ends.push(resolve));
      return items;
    },
    most: 10,
  });
  const first = together.add(1);
  await expect.poll(() => calls).toEqual([[1]]);
  const others = [together.add(2), together.add(3)];
  ends[0]!();
  expect(await first).toBe(1);
  await expect.poll(() => calls).toEqual([[1], [2, 3]]);
  ends[1]!();
  expect(await Promise.all(others)).toEqual([2, 3]);
});

test("an error is that of all items of a call; where it may be that of one, each is done by itself", async () => {
  const settle = async (together: Together<number, string>) =>
    (await Promise.allSettled([1, 13, 2].map((item) => together.add(item)))).map((one) =>
      one.status === "fulfilled" ? one.value : (one.reason as Error).message,
    );
  expect(await settle(recorded(10).together)).toEqual(["3 of them", "3 of them", "3 of them"]);
  const { calls, together } = recorded(10, () => true);
  expect(await settle(together)).toEqual(["done 1", "1 of them", "done 2"]);
  expect(calls).toEqual([[1, 13, 2], [1], [13], [2]]);
});

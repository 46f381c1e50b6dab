/** One call for what many ask at the same time. */

interface Call<Item, Answer> {
  readonly items: readonly Item[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (cause: unknown) => void;
}

/** Calls that come while one is under way are done with the next, all at once. Every item has its answer, in order. */
export function together<Item, Answer>(
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (items: readonly Item[]) => Promise<readonly Answer[]> {
  const waiting: Call<Item, Answer>[] = [];
  let isBusy = false;
  const runAll = async (): Promise<void> => {
    isBusy = true;
    while (waiting.length > 0) await runTogether(waiting.splice(0), run);
    isBusy = false;
  };
  return (items) =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      if (!isBusy) void runAll();
    });
}

async function runTogether<Item, Answer>(
  calls: readonly Call<Item, Answer>[],
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await run(calls.flatMap(({ items }) => items));
    let first = 0;
    for (const { items, resolve } of calls) {
      resolve(answers.slice(first, first + items.length));
      first += items.length;
    }
  } catch (cause) {
    for (const { reject } of calls) reject(cause);
  }
}

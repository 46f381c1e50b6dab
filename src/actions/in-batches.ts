/** The same things, several at a time. */
export async function* inBatches<Thing>(things: AsyncIterable<Thing>, count: number): AsyncGenerator<readonly Thing[]> {
  let batch: Thing[] = [];
  for await (const thing of things) {
    batch.push(thing);
    if (batch.length < count) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

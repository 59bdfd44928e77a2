/** Runs `work` for 0 … `count` − 1, never more than `width` at once. */
export async function atOnce(width: number, count: number, work: (index: number, lane: number) => Promise<unknown>) {
  let next = 0;
  const lane = async (_: unknown, number: number): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index, number);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

import { hash } from 'node:crypto';

/** Between 0 and 1, always the same for the same text: luck that can be had again. */
export const chanceOf = (text: string): number => hash('sha256', text, 'buffer').readUInt32BE(0) / 2 ** 32;

/** Names and the share of cases that each is for, from 0 to 1; together at most 1. */
export type Shares<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** The name whose share the chance falls into, if it falls into one. */
export function pick<Name extends string>(shares: Shares<Name>, chance: number): Name | undefined {
  let left = chance;
  for (const name of Object.keys(shares) as Name[]) {
    left -= shares[name] ?? 0;
    if (left < 0) return name;
  }
  return undefined;
}

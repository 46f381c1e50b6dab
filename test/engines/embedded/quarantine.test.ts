import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Quarantine } from '../../../src/engines/embedded/quarantine.ts';

/** Something that dies with everybody inside as soon as a poison is among them. */
class Mortal {
  deaths = 0;
  mostInside = 0;
  readonly #quarantine = new Quarantine();
  #inside = new Map<string, PromiseWithResolvers<'answered' | 'dead'>>();

  async ask(name: string): Promise<string> {
    if ((await this.#quarantine.together(() => this.#enter(name))) === 'answered') return 'answered';
    return this.#quarantine.alone(async () => {
      expect(this.#inside.size).toBe(0);
      return (await this.#enter(name)) === 'answered' ? 'answered alone' : 'guilty';
    });
  }

  async #enter(name: string): Promise<'answered' | 'dead'> {
    const stay = Promise.withResolvers<'answered' | 'dead'>();
    this.#inside.set(name, stay);
    this.mostInside = Math.max(this.mostInside, this.#inside.size);
    await nextTurn();
    if (name.startsWith('poison')) this.#die();
    else stay.resolve('answered');
    const end = await stay.promise;
    this.#inside.delete(name);
    return end;
  }

  #die(): void {
    this.deaths += 1;
    for (const { resolve } of this.#inside.values()) resolve('dead');
    this.#inside.clear();
  }
}

test('of all that were inside when it died, only the one that kills it alone is guilty', async () => {
  const mortal = new Mortal();
  const names = ['poison', 'a', 'b', 'c', 'd'];
  const ends = await Promise.all(names.map((name) => mortal.ask(name)));
  expect(ends).toEqual(['guilty', ...Array(4).fill('answered alone')]);
  expect(mortal.deaths).toBe(2);
  expect(mortal.mostInside).toBe(5);
});

test('those who come while suspects are left wait, and run together afterwards', async () => {
  const mortal = new Mortal();
  const suspects = ['poison-1', 'a', 'poison-2'].map((name) => mortal.ask(name));
  while (mortal.deaths === 0) await nextTurn();
  const later = ['b', 'c'].map((name) => mortal.ask(name));
  expect(await Promise.all(suspects)).toEqual(['guilty', 'answered alone', 'guilty']);
  expect(await Promise.all(later)).toEqual(['answered', 'answered']);
});

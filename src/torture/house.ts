/** A whole Boatload for one seed: its processes, and the lines between them and everything else, on which things can go wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { Desk } from './desk.ts';
import { startEngine, type TortureEngine } from './engine.ts';
import { findFreePort } from './free-port.ts';
import { type Line, openLine } from './line.ts';
import { Member, type Ready } from './member.ts';
import { type Link, MEMBERS, type Scenario } from './scenario.ts';
import { openStoreLine, type StoreLine } from './store-line.ts';

/** What a fleet stands on; each seed gets a database and a folder of its own in it. */
export interface Ground {
  /** `postgres://…`, of a user who may make databases. */
  readonly database: string;
  /** `s3://bucket?endpoint=http://…`; its keys are in the environment. */
  readonly objects: string;
  /** Restarts the database as by a power cut; without it that is not tried. */
  readonly restartDatabase?: () => Promise<void>;
}

export interface HouseOptions {
  readonly scenario: Scenario;
  /** A folder for everything. */
  readonly dir: string;
  /** The program's first file. */
  readonly program: string;
  /** A fleet needs it. */
  readonly ground: Ground | undefined;
}

export interface House {
  readonly desk: Desk;
  readonly engine: TortureEngine;
  readonly members: readonly Member[];
  readonly ground: Ground | undefined;
  /** The line between a process and what it stands on; a fleet has all, one process only that to the engine. */
  line(member: number, link: Link): Line | undefined;
  readonly store: StoreLine | undefined;
  close(): Promise<void>;
}

const ACCOUNT = 'torture';
const MODEL = 'torture';
const SECRET = 'a secret that only this folder knows';
const PATIENCE_MS = 90_000;
/** Jobs of seconds, so that one can run out of time. */
const WINDOWS = { BOATLOAD_MIN_JOB_WINDOW_SECONDS: '1' };

type Lines = Readonly<Partial<Record<Link, Line>>>;

/** Builds it and waits until it answers. */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { scenario, dir, ground } = options;
  await mkdir(dir, { recursive: true });
  const engine = await startEngine({
    plan: { seed: scenario.seed, latency: scenario.latency },
    log: join(dir, 'calls.jsonl'),
    model: MODEL,
  });
  const builder = new Builder(options, engine);
  try {
    const desk = scenario.size === 'embedded' ? await builder.buildOne() : await builder.buildFleet();
    return {
      desk,
      engine,
      members: builder.members,
      ground,
      store: builder.store,
      line: (member, link) => builder.lines[member]?.[link],
      close: () => builder.close(),
    };
  } catch (cause) {
    await builder.close();
    throw cause;
  }
}

class Builder {
  readonly members: Member[] = [];
  readonly lines: Lines[] = [];
  store: StoreLine | undefined;
  readonly #options: HouseOptions;
  readonly #engine: TortureEngine;

  constructor(options: HouseOptions, engine: TortureEngine) {
    this.#options = options;
    this.#engine = engine;
  }

  async buildOne(): Promise<Desk> {
    const { dir } = this.#options;
    const port = await findFreePort();
    const lines = { engine: await openLine({ to: { port: this.#engine.port } }) };
    this.lines.push(lines);
    const args = ['up', '--json', '--port', `${port}`, '--data-dir', join(dir, 'data'), '--engine', urlOf(lines.engine)];
    const { apiKey } = await this.#start(0, args, {});
    return new Desk({ url: `http://127.0.0.1:${port}`, apiKey: String(apiKey), account: 'local', patienceMs: PATIENCE_MS });
  }

  async buildFleet(): Promise<Desk> {
    const { dir, program, scenario, ground } = this.#options;
    if (ground === undefined) throw new Error('A fleet needs --database-url and --object-store.');
    const database = await makeDatabase(ground.database, `torture_${scenario.seed}_${process.pid}_${Date.now()}`);
    const objects = new URL(ground.objects);
    objects.pathname = `${objects.pathname.replace(/\/$/, '')}/${new URL(database).pathname.slice(1)}`;
    this.store = await openStoreLine(objects.searchParams.get('endpoint') ?? '');
    const places = { DATABASE_URL: database, OBJECT_STORE: objects.href, BOATLOAD_SECRET: SECRET };
    const { apiKey } = JSON.parse(await output(program, ['migrate', '--account', ACCOUNT, '--json'], { cwd: dir, env: places }));
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    for (let member = 0; member < MEMBERS.fleet; member++) this.lines.push(await this.#openLines(database));
    await Promise.all(
      this.lines.map((lines, member) => {
        const args = member === 0 ? ['serve', '--json', '--port', `${port}`] : ['worker', '--json'];
        const env = { ...places, ...onLines(lines, places), BOATLOAD_PUBLIC_URL: url };
        const own = ['--data-dir', join(dir, 'data', `${member}`), '--engine', urlOf(lines.engine)];
        return this.#start(member, [...args, ...own], env);
      }),
    );
    return new Desk({ url, apiKey, account: ACCOUNT, patienceMs: PATIENCE_MS });
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await Promise.all(this.lines.flatMap((lines) => Object.values(lines).map((line) => line.close())));
    await this.store?.close();
    await this.#engine.close();
  }

  async #openLines(database: string): Promise<Required<Lines>> {
    const { hostname, port } = new URL(database);
    const store = new URL(this.store?.url ?? '');
    return {
      database: await openLine({ to: { host: hostname, port: Number(port || 5_432) } }),
      store: await openLine({ to: { port: Number(store.port) } }),
      engine: await openLine({ to: { port: this.#engine.port } }),
    };
  }

  async #start(number: number, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ready> {
    const { dir, program, scenario } = this.#options;
    const { crash } = scenario;
    const member = new Member(program, {
      args,
      cwd: dir,
      env: { ...WINDOWS, ...env },
      untilCrash: crash === undefined ? {} : { BOATLOAD_CRASH_AT: `${crash.point}:${crash.passing}` },
      log: join(dir, `${number}.log`),
    });
    this.members.push(member);
    return member.start();
  }
}

const urlOf = (line: Line | undefined): string => `http://127.0.0.1:${line?.port}/v1`;

function onLines(lines: Lines, places: { readonly DATABASE_URL: string; readonly OBJECT_STORE: string }): Record<string, string> {
  const database = new URL(places.DATABASE_URL);
  database.hostname = '127.0.0.1';
  database.port = `${lines.database?.port}`;
  const objects = new URL(places.OBJECT_STORE);
  objects.searchParams.set('endpoint', `http://127.0.0.1:${lines.store?.port}`);
  return { DATABASE_URL: database.href, OBJECT_STORE: objects.href };
}

async function output(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`boatload ${args[0]} ended with ${code}.`);
  return said;
}

async function makeDatabase(url: string, name: string): Promise<string> {
  const client = new Client(url);
  await client.connect();
  await client.query(`create database ${client.escapeIdentifier(name)}`).finally(() => client.end());
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

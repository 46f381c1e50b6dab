/**
 * A real S3 server of the test's own: Ceph's gateway with one monitor and one store in memory, all on loopback, everything in a temporary folder.
 * They are Debian packages (`radosgw ceph-mon ceph-osd ceph-common`); where they are missing, the test fails and says so.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { findFreePort } from '../../src/torture/free-port.ts';

const run = promisify(execFile);

/** What its only user signs with. */
export const S3_KEY = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'not-a-secret' } as const;

export interface TestS3 {
  readonly endpoint: string;
  /** Makes a new, empty bucket and answers its URL. */
  makeBucket(): Promise<string>;
  stop(): Promise<void>;
}

export async function startS3(): Promise<TestS3> {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-s3-'));
  const ceph = new Ceph(dir);
  try {
    const endpoint = await ceph.start();
    const credentials = { accessKeyId: S3_KEY.AWS_ACCESS_KEY_ID, secretAccessKey: S3_KEY.AWS_SECRET_ACCESS_KEY };
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    return {
      endpoint,
      async makeBucket() {
        const name = `test-${randomUUID()}`;
        await client.send(new CreateBucketCommand({ Bucket: name }));
        return `s3://${name}?endpoint=${endpoint}`;
      },
      stop: () => ceph.stop(),
    };
  } catch (cause) {
    await ceph.stop();
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const remedy = 'It is needed here: apt-get install radosgw ceph-mon ceph-osd ceph-common.';
    throw new Error(missing ? `There is no Ceph on this machine. ${remedy}` : 'The S3 server did not start.', { cause });
  }
}

const UP_WITHIN_MS = 60_000;

class Ceph {
  readonly #dir: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #daemons: ChildProcess[] = [];

  constructor(dir: string) {
    this.#dir = dir;
    this.#env = { ...process.env, CEPH_CONF: join(dir, 'ceph.conf') };
  }

  async start(): Promise<string> {
    const [monitorPort, port] = [await findFreePort(), await findFreePort()];
    const [fsid, osd] = [randomUUID(), randomUUID()];
    const keyring = join(this.#dir, 'keyring');
    const monmap = join(this.#dir, 'monmap');
    await writeFile(join(this.#dir, 'ceph.conf'), toConfig({ dir: this.#dir, fsid, monitorPort, port }));
    await writeFile(keyring, toKeyring());
    await mkdir(join(this.#dir, 'osd'));
    await this.#run('monmaptool', ['--create', '--addv', 'a', `[v1:127.0.0.1:${monitorPort}]`, '--fsid', fsid, monmap]);
    await this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', monmap, '--keyring', keyring]);
    await this.#begin('ceph-mon', ['-i', 'a']);
    await this.#run('ceph', ['osd', 'new', osd]);
    await this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd]);
    await this.#begin('ceph-osd', ['-i', '0']);
    await this.#begin('radosgw', ['-n', 'client.rgw.a']);
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = S3_KEY;
    const user = ['--uid=test', '--display-name=test', `--access-key=${key}`, `--secret-key=${secret}`];
    await this.#run('radosgw-admin', ['user', 'create', ...user]);
    const endpoint = `http://127.0.0.1:${port}`;
    await untilAnswered(endpoint);
    return endpoint;
  }

  async stop(): Promise<void> {
    const ends = this.#daemons.map(async (daemon) => {
      if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
      const ended = once(daemon, 'exit');
      daemon.kill('SIGKILL');
      await ended;
    });
    await Promise.all(ends);
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await run(program, args, { env: this.#env, timeout: UP_WITHIN_MS });
  }

  async #begin(program: string, args: readonly string[]): Promise<void> {
    const daemon = spawn(program, [...args, '-f'], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#daemons.push(daemon);
    const said = createWriteStream(join(this.#dir, `${program}.out`));
    daemon.stdout.pipe(said);
    daemon.stderr.pipe(said);
    await once(daemon, 'spawn');
  }
}

async function untilAnswered(endpoint: string): Promise<void> {
  const deadline = performance.now() + UP_WITHIN_MS;
  for (;;) {
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`Nothing answers at ${endpoint}.`);
    await delay(100);
  }
}

interface Places {
  readonly dir: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly port: number;
}

const toConfig = ({ dir, fsid, monitorPort, port }: Places): string => `
[global]
fsid = ${fsid}
mon host = [v1:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${dir}/keyring
run dir = ${dir}
log file = ${dir}/$name.log
admin socket = ${dir}/$name.asok
mon data = ${dir}/mon
osd data = ${dir}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
mon max pg per osd = 1000
osd crush chooseleaf type = 0
osd pool default pg autoscale mode = off
osd pool default pg num = 8
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${port}
`;

/** Who may do what inside Ceph. */
const CAPABILITIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'mon.': { mon: 'allow *' },
  'client.admin': { mon: 'allow *', osd: 'allow *' },
  'osd.0': { mon: 'allow profile osd', osd: 'allow *' },
  'client.rgw.a': { mon: 'allow rw', osd: 'allow rwx' },
};

const toKeyring = (): string =>
  Object.entries(CAPABILITIES)
    .map(([name, capabilities]) => {
      const caps = Object.entries(capabilities).map(([part, may]) => `\tcaps ${part} = "${may}"`);
      return [`[${name}]`, `\tkey = ${makeKey()}`, ...caps, ''].join('\n');
    })
    .join('\n');

/** As Ceph writes them: the kind (1 is AES), when it was made, and 16 bytes. */
function makeKey(): string {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(16, 10);
  return Buffer.concat([head, randomBytes(16)]).toString('base64');
}

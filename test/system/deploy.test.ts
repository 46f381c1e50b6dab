/** What stands in `deploy/`: as far as it can be tried without an engine for containers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Ajv } from 'ajv';
import { parse as parseDockerfile } from 'docker-file-parser';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/settings/settings-table.ts';
import { findFreePort } from '../../src/torture/free-port.ts';
import { type Manifest, renderChart, toManifests } from '../support/chart/render-chart.ts';
import { makeFolder } from '../support/folder.ts';
import { installProgram, SOURCES, TOOLS } from '../support/installed.ts';
import { startProcess } from '../support/program.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const IMAGE = `boatload:${version}`;
const steps = parseDockerfile(readFileSync('deploy/Dockerfile', 'utf8'));
const argsOf = (name: string) => steps.filter((step) => step.name === name).map(({ args }) => args);
/** A tag that stays what it is: a version, and never latest. */
const FIXED = /^[\w./-]+:v?\d+\.\d+[\w.-]*$/;

test('the Dockerfile is understood, builds on fixed images, runs as nobody in particular and starts without a shell', () => {
  expect(steps.filter(({ error }) => error !== undefined)).toEqual([]);
  const images = argsOf('FROM').map((from) => String(from).split(/\s+/)[0] ?? '');
  expect(images).toHaveLength(2);
  for (const image of images) expect(image).toMatch(FIXED);
  expect(argsOf('USER')).toEqual(['10001:10001']);
  for (const name of ['ENTRYPOINT', 'CMD']) expect(argsOf(name).map(Array.isArray)).toEqual([true]);
  expect(argsOf('HEALTHCHECK')).toHaveLength(1);
  expect(steps.findIndex(({ name }) => name === 'USER')).toBeGreaterThan(steps.findLastIndex(({ name }) => name === 'RUN'));
  const text = readFileSync('deploy/Dockerfile', 'utf8');
  expect(text.match(/\d+\.\d+\.\d+(?=\.tgz|"\n)/g)).toEqual([version, version]);
  expect(text).not.toMatch(/latest|ADD |apt-get|curl |(PASSWORD|SECRET|KEY|TOKEN)=/);
});

test('the build gets all that it needs and nothing else, and does what the tests of the package do', () => {
  const let_in = readFileSync('deploy/Dockerfile.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  expect(let_in.map((line) => line.slice(1)).toSorted()).toEqual([...SOURCES, ...TOOLS].toSorted());
  expect(argsOf('RUN').filter((run) => typeof run === 'string')).toEqual([
    'npm ci --ignore-scripts',
    'npm run build',
    'npm pack ./build/package --pack-destination /tmp',
    `npm install --ignore-scripts --no-audit --no-fund /tmp/boatload-${version}.tgz`,
  ]);
});

test('what the image runs works for a stranger who can write nothing but the data folder, is found healthy and stops at SIGTERM', async () => {
  const { home } = await installProgram();
  const root = await makeFolder();
  chmodSync(root, 0o755);
  cpSync(home, join(root, 'app'), { recursive: true, verbatimSymlinks: true });
  cpSync(process.execPath, join(root, 'node'));
  execFileSync('chmod', ['-R', 'a=rX', join(root, 'app')]);
  const data = join(root, 'data');
  mkdirSync(data, { mode: 0o700 });
  const stranger = process.getuid?.() === 0 ? { uid: 10_001, gid: 10_001 } : {};
  if (stranger.uid !== undefined) chownSync(data, stranger.uid, stranger.gid);
  const ports = { BOATLOAD_LISTEN_PORT: `${await findFreePort()}`, BOATLOAD_HEALTH_PORT: `${await findFreePort()}` };
  const [given] = argsOf('ENV') as Record<string, string>[];
  const env = Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, value.replace(/^\/data/, data)]));
  expect(Object.keys(env)).toContain('BOATLOAD_HEALTH_PORT');
  const options = { cwd: data, env: { ...env, ...ports }, ...stranger };
  const inRoot = (words: unknown): string[] =>
    (words as string[]).map((word) => (word === 'node' ? join(root, 'node') : word.replace(/^\/app/, join(root, 'app'))));
  const [node = '', ...entry] = inRoot(argsOf('ENTRYPOINT')[0]);
  expect(spawnSync(node, [...entry, '--version'], { ...options, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining(version),
  });
  const program = startProcess([node, ...entry, ...inRoot(argsOf('CMD')[0]), '--json'], options);
  await program.says(/^\{"url".*$/m);
  const [health] = steps.filter(({ name }) => name === 'HEALTHCHECK').map(({ raw }) => /CMD (\[.*\])/.exec(raw)?.[1]);
  const [, ...check] = inRoot(JSON.parse(health ?? '[]'));
  expect(spawnSync(node, check, { ...options, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"ok"'),
  });
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0, signal: null });
});

test('the compose file is understood by compose, and everything in it is fixed, waits for what it needs and gets its secrets as files', async () => {
  const folder = await makeFolder();
  cpSync('deploy', folder, { recursive: true });
  execFileSync('sh', ['make-secrets.sh'], { cwd: folder });
  const again = readFileSync(join(folder, 'secrets/boatload-secret'), 'utf8');
  execFileSync('sh', ['make-secrets.sh'], { cwd: folder });
  expect(readFileSync(join(folder, 'secrets/boatload-secret'), 'utf8')).toBe(again);
  expect(again).toMatch(/^[0-9a-f]{64}$/);
  const read = spawnSync('docker-compose', ['--file', 'compose.yaml', '--profile', 'vllm', 'config'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (read.error !== undefined)
    throw new Error('To read the compose file: apt-get install docker-compose', { cause: read.error });
  expect(read).toMatchObject({ status: 0, stderr: '' });
  const { services } = parse(read.stdout) as { services: Record<string, Manifest> };
  for (const { image, privileged } of Object.values(services)) {
    expect(image).toMatch(FIXED);
    expect(privileged).toBeUndefined();
  }
  const ours = Object.entries(services).filter(([, { image }]) => image === IMAGE);
  expect(ours.map(([name]) => name)).toEqual(['migrate', 'serve', 'worker']);
  for (const [name, service] of ours) {
    expect(service).toMatchObject({ command: [name], read_only: true, cap_drop: ['ALL'] });
    const names = Object.keys(service['environment']).filter((variable) => !variable.startsWith('AWS_'));
    expect(names.filter((variable) => !(variable.replace(/_FILE$/, '') in SETTINGS))).toEqual([]);
    expect(JSON.stringify(service['environment'])).not.toContain(again);
  }
  for (const name of ['serve', 'worker'])
    expect(services[name]?.['depends_on']).toMatchObject({ migrate: { condition: 'service_completed_successfully' } });
  expect(services['postgres']?.['healthcheck']).toBeDefined();
});

const CHART = 'deploy/helm/boatload';
const NEEDED = {
  existingSecret: 'boatload',
  config: { objectStore: 's3://rows?region=eu-1', maxDatasetBytes: 2_000_000_000, engines: ['http://gpu-1:8000/v1'] },
};
const ALL = {
  ...NEEDED,
  awsCredentials: false,
  imagePullSecrets: [{ name: 'registry' }],
  extraEnv: [{ name: 'AWS_REGION', value: 'eu-1' }],
  nodeSelector: { zone: 'a' },
  tolerations: [{ key: 'batch', operator: 'Exists' }],
  podAnnotations: { team: 'rows' },
  serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/boatload' } },
  api: { autoscaling: { enabled: true } },
  worker: { drainSeconds: 120, storage: { className: 'fast' }, autoscaling: { enabled: true } },
  ingress: { enabled: true, host: 'batch.example.com', className: 'nginx', tlsSecret: 'tls', annotations: { a: 'b' } },
};
const SCHEMAS = {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  PodDisruptionBudget,
  ScaledObject,
  Service,
  ServiceAccount,
  StatefulSet,
};

/** Fails where Kubernetes would refuse a value. */
function check(manifest: Manifest): void {
  const schema = SCHEMAS[manifest.kind as keyof typeof SCHEMAS];
  expect(schema?.apiVersion, manifest.kind).toBe(manifest.apiVersion);
  new schema(manifest as never).validate();
}

/** Fails where a field is unknown: the schemas let it pass, their types don't. */
function checkFields(manifests: readonly Manifest[]): void {
  mkdirSync('build', { recursive: true });
  const folder = mkdtempSync('build/manifests-');
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const lines = manifests.map(({ kind, apiVersion, ...rest }, index) => {
    const from = kind === 'ScaledObject' ? '@kubernetes-models/keda' : 'kubernetes-models';
    return `import type { I${kind} as Kind${index} } from '${from}/${apiVersion}/${kind}';
export const manifest${index}: Kind${index} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
  });
  writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
  const options = [
    '--ignoreConfig',
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    '',
  ];
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', [...options, join(folder, 'manifests.ts')], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
}

const find = (manifests: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`No ${kind} ${name} among ${manifests.map(({ metadata }) => metadata.name)}`);
  return found;
};

test.each([
  ['what must be given', NEEDED, 10],
  ['everything that can be given', ALL, 13],
])('the chart makes objects that Kubernetes takes, of %s', (_, values, count) => {
  const manifests = toManifests(renderChart(CHART, values));
  expect(manifests).toHaveLength(count);
  for (const manifest of manifests) check(manifest);
  checkFields(manifests);
  const api = find(manifests, 'Deployment', 'boat-api')['spec'].template.spec;
  const worker = find(manifests, 'StatefulSet', 'boat-worker')['spec'].template.spec;
  const migrate = find(manifests, 'Job', 'boat-migrate');
  expect(migrate.metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade');
  for (const pod of [api, worker, migrate['spec'].template.spec]) {
    const [container] = pod.containers;
    expect(pod).toMatchObject({ enableServiceLinks: false, securityContext: { runAsNonRoot: true, runAsUser: 10_001 } });
    expect(container).toMatchObject({
      image: IMAGE,
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    });
    const volumes = [...pod.volumes.map(({ name }: { name: string }) => name), ...(pod === worker ? ['data'] : [])];
    expect(volumes).toEqual(expect.arrayContaining(container.volumeMounts.map(({ name }: { name: string }) => name)));
    const names: string[] = container.env
      .map(({ name }: { name: string }) => name)
      .filter((name: string) => name.startsWith('BOATLOAD_'));
    expect(names.filter((name) => name !== 'BOATLOAD_CONFIG' && !(name.replace(/_FILE$/, '') in SETTINGS))).toEqual([]);
  }
  for (const [pod, path] of [
    [api, '/readyz'],
    [worker, '/readyz'],
  ])
    expect(pod.containers[0].readinessProbe.httpGet).toEqual({ path, port: 'health' });
  const drain = worker.containers[0].env.find(({ name }: { name: string }) => name === 'BOATLOAD_DRAIN_SECONDS').value;
  expect(worker.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(drain) + 20);
  expect(parse(find(manifests, 'ConfigMap', 'boat')['data']['boatload.yaml'])).toEqual(NEEDED.config);
});

test('workers are added by what there is to do', () => {
  const manifests = toManifests(renderChart(CHART, ALL));
  const { spec } = find(manifests, 'ScaledObject', 'boat-worker');
  const { spec: service } = find(manifests, 'Service', 'boat-health');
  expect(spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'boat-worker' });
  const triggers = spec.triggers.map(({ metadata }: Manifest) => metadata) as {
    url: string;
    valueLocation: string;
    targetValue: string;
  }[];
  expect(triggers.map(({ valueLocation }) => valueLocation).toSorted()).toEqual(['merge', 'plan', 'shard']);
  for (const { url } of triggers) expect(url).toBe(`http://boat-health.harbour.svc:${service.ports[0].port}/open-tasks`);
  // Who scales sets the number of replicas: the chart must not set it back at every upgrade.
  expect(find(manifests, 'StatefulSet', 'boat-worker')['spec']).not.toHaveProperty('replicas');
  expect(find(manifests, 'Deployment', 'boat-api')['spec']).not.toHaveProperty('replicas');
});

test('values are checked by their schema, the defaults too', () => {
  const validate = new Ajv({ allErrors: true }).compile(JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')));
  const defaults = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  expect([validate({ ...defaults, ...NEEDED }), validate.errors]).toEqual([true, null]);
  expect([validate(ALL), validate.errors]).toEqual([true, null]);
  for (const wrong of [
    {},
    { existingSecret: '', config: NEEDED.config },
    { ...NEEDED, config: {} },
    { ...NEEDED, config: { ...NEEDED.config, databaseUrl: 'postgres://u:p@h/n' } },
    { ...NEEDED, image: { tag: 'latest' } },
    { ...NEEDED, workers: 3 },
    { ...NEEDED, worker: { replicas: -1 } },
    { ...NEEDED, ingress: { enabled: true, host: '' } },
  ])
    expect(validate(wrong), JSON.stringify(wrong)).toBe(false);
  expect(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')).toContain(`appVersion: ${version}\n`);
});

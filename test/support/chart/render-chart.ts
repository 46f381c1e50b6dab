/** The chart as Helm would render it, by Go's own template engine and the library that Helm takes its functions from. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';

/** Any object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: objects of all kinds, checked by their schemas and by the tests' expectations
  readonly [field: string]: any;
}

const RENDERER = join(import.meta.dirname, 'render.go');
/** Where Debian keeps what its packages bring for Go. */
const GO = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };

/** What a release `boat` in the namespace `harbour` would be; by template, as text. */
export function renderChart(chart: string, values: object): Readonly<Record<string, string>> {
  try {
    const text = execFileSync('go', ['run', RENDERER, chart, 'boat', 'harbour'], {
      input: stringify(values),
      env: { ...process.env, ...GO },
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new Error(
        'To render the chart: apt-get install golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev',
      );
    throw cause;
  }
}

/** Its objects. Kubernetes reads YAML 1.1, where 0440 is octal. */
export const toManifests = (rendered: Readonly<Record<string, string>>): readonly Manifest[] =>
  Object.entries(rendered)
    .filter(([name]) => name.endsWith('.yaml'))
    .flatMap(([, text]) => {
      const documents = parseAllDocuments(text, { version: '1.1', merge: true });
      return documents.flatMap((document) => {
        if (document.errors.length > 0) throw document.errors[0];
        return (document.toJS() as Manifest | null) ?? [];
      });
    });

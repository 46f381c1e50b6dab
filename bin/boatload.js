#!/usr/bin/env node
/**
 * Starts Boatload: from its sources in a checkout, from `dist/joined/` in the published package. Plain JavaScript that an old Node can read, so that
 * it can say what is wrong; where the checkout has a Node of its own, that one takes over.
 */
import { existsSync } from 'node:fs';
import nodeModule, { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const NEEDED = [22, 19];
/** All files are loaded by then. */
const WRITE_COMPILED_AFTER_MS = 5_000;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  hideExperimentalWarnings();
  rememberCompiled();
  const source = new URL('../src/main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/joined/main.js', import.meta.url).href);
} else {
  const node = findOwnNode();
  if (node === undefined) refuse();
  else await runWith(node);
}

/** Node announces parts that we chose knowingly: running TypeScript, SQLite. People can't do anything about it; other warnings stay. */
function hideExperimentalWarnings() {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning' && /type stripping|sqlite/i.test(warning.message)) return;
    for (const print of printers) print.call(process, warning);
  });
}

/**
 * Reading the sources is most of what a short command does: Node keeps them compiled from run to run (November 2026: help 73 ms over bare Node, 230
 * without). In a folder of the user's own, as whoever can write there can put programs into ours; where that can't be written, nothing is kept.
 * Node writes when it exits, but a server's first life may end by a kill, and then its next start should be a fast one. The processes that it starts
 * read what they need from there, too: an embedded engine is ready with two thirds of the work (November 2026).
 */
function rememberCompiled() {
  process.env['NODE_COMPILE_CACHE'] ||= join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'boatload', 'compiled');
  nodeModule.enableCompileCache(process.env['NODE_COMPILE_CACHE']);
  setTimeout(() => nodeModule.flushCompileCache(), WRITE_COMPILED_AFTER_MS).unref();
}

/** The Node that `npm ci` brings to a checkout. */
function findOwnNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}

function refuse() {
  console.error(
    `Boatload needs Node ${NEEDED.join('.')} or newer and was started with ${process.versions.node} (${process.execPath}). ` +
      'Install Node 24 from https://nodejs.org and start it again.',
  );
  process.exitCode = 1;
}

/** Becomes a shell around the other Node: the same arguments and streams, its signals, its end. */
async function runWith(node) {
  const { spawn } = await import('node:child_process');
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends these to both of us, and a second Ctrl-C would mean "at once".
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP']) process.on(signal, () => onTerminal || child.kill(signal));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`Boatload could not start ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

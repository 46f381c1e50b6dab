import { expect, test } from 'vitest';
import { trimLock } from '../../packaging/trim-lock.ts';

const trimmed = (name: string) =>
  trimLock({ packages: { [`node_modules/${name}`]: { version: '1.0.0', os: ['any'], cpu: ['any', 'x64'] } } }).packages;

test.each([
  ['@node-llama-cpp/linux-arm64', ['linux'], ['arm64']],
  ['@node-llama-cpp/linux-armv7l', ['linux'], ['arm']],
  ['@node-llama-cpp/mac-arm64-metal', ['darwin'], ['arm64']],
  ['@node-llama-cpp/win-x64', ['win32'], ['x64']],
])('%s is for its own platform only', (name, os, cpu) => {
  expect(trimmed(name)).toEqual({ [`node_modules/${name}`]: { version: '1.0.0', os, cpu } });
});

test.each(['linux-x64-cuda', 'linux-x64-cuda-ext', 'win-x64-vulkan'])('the GPU binary %s is for no machine', (platform) => {
  expect(trimmed(`@node-llama-cpp/${platform}`)).toMatchObject({
    [`node_modules/@node-llama-cpp/${platform}`]: { os: ['none'] },
  });
});

test('other packages stay as they are', () => {
  expect(trimmed('node-llama-cpp')).toEqual({
    'node_modules/node-llama-cpp': { version: '1.0.0', os: ['any'], cpu: ['any', 'x64'] },
  });
});

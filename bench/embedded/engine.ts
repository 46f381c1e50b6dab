/** The embedded engine by itself: the child process that Boatload starts, and nothing of Boatload around it. */
import { startChild } from '../../src/engines/embedded/start-child.ts';

export interface EngineOptions {
  readonly model: string;
  readonly slots?: number;
  readonly threads?: number;
}

/** Requests that may wait for a slot. */
const MAX_WAITING = 4_096;

/** Starts it; resolves when its model answers. */
export const startEngine = ({ model, ...options }: EngineOptions) =>
  startChild({ modelPath: model, modelId: 'bench', maxWaiting: MAX_WAITING, ...options });

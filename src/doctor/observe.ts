/** Makers of what checks say. */
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import type { Observation } from './patient.ts';

type Details = Observation['details'];

/** Nothing is wrong. */
export const well = (message: string, details: Details = {}): Observation => ({
  level: 'ok',
  code: 'OK',
  message,
  remedy: null,
  details,
});

/** What is wrong, and what to do. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly details?: Details;
}

/** It works, and a person should know. */
export const warning = ({ details = {}, ...complaint }: Complaint): Observation => ({ level: 'warning', ...complaint, details });

/** It will not work so. */
export const fault = ({ details = {}, ...complaint }: Complaint): Observation => ({ level: 'fault', ...complaint, details });

/** What was thrown, as a fault. A `Problem` says itself what to do. */
export const toFault = (cause: unknown): Observation =>
  cause instanceof Problem
    ? { level: 'fault', code: cause.reason, message: cause.message, remedy: null, details: cause.details }
    : fault({
        code: 'CHECK_FAILED',
        message: `It could not be looked at: ${messageOf(cause)}.`,
        remedy: 'If the words don’t tell what is wrong here, report them: it may be a defect of Boatload.',
      });

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB`. */
export function inUnits(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${(bytes / 1024 ** unit).toFixed(unit < 2 ? 0 : 1)} ${UNITS[unit]}`;
}

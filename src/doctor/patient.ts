import type { Finding } from '../cli/doors.ts';
import { readText, type Settings } from '../settings/settings.ts';

/** What is examined: what a server, or one process of a fleet, would be started with here. */
export interface Patient {
  readonly settings: Settings;
  readonly host: string;
  /** Absent: 8080, or the next that is free. */
  readonly port?: number;
  readonly healthPort?: number;
  readonly dataDir: string;
  readonly models: readonly string[];
  readonly engines: readonly string[];
  /** API processes through which a worker has its leases. */
  readonly through: readonly string[];
}

/** What a check says; its name is in the table. */
export type Observation = Omit<Finding, 'check'>;

/** Looks at one thing and changes nothing. What it throws is a fault. */
export type Check<Subject> = (subject: Subject) => Promise<readonly Observation[]>;

/** Whether its settings make it one of many processes; else it has everything in its folder. */
export const isOfFleet = ({ settings, through }: Patient): boolean =>
  through.length > 0 || readText(settings, 'DATABASE_URL') !== undefined || readText(settings, 'OBJECT_STORE') !== undefined;

import { MIGRATIONS } from './migrations/migrations.ts';

/** The name of the newest migration that this version knows. */
export const SCHEMA_VERSION: string = Object.keys(MIGRATIONS).toSorted().at(-1) ?? '';

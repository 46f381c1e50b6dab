/** Figures as people read them. */

/** 1204113 → `1,204,113`. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** `1 row`, `1,000 rows`. */
export const formatRows = (rows: number): string => `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`;

/** 118204 → `118 K`; for figures that are estimates anyway. */
export function formatEstimate(count: number): string {
  if (count < 1_000) return String(Math.round(count));
  if (count < 999_500) return `${Math.round(count / 1_000)} K`;
  return `${(count / 1_000_000).toFixed(1)} M`;
}

/** Decimal units, as disks and networks are sold: `0.4 MB`, `604 MB`, `8.1 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 50_000) return `${formatCount(bytes)} B`;
  if (bytes < 9_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  if (bytes < 999_500_000) return `${Math.round(bytes / 1e6)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Binary, as memory is sold: `24 GB`. */
export const formatMemory = (bytes: number): string => `${Math.max(1, Math.round(bytes / 2 ** 30))} GB`;

/** `11.8`, `640`. */
export const formatRate = (perSecond: number): string =>
  perSecond < 99.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));

/** `3 ms`, `1.4 s`. */
export const formatSeconds = (ms: number): string => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** Two units at most: `25s`, `1m 25s`, `2h 5m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
  return `${Math.floor(minutes / 1_440)}d ${Math.floor((minutes % 1_440) / 60)}h`;
}

/** Rounded down, so that 100 % means all of it: `68 %`. */
export const formatShare = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.floor((part / whole) * 100)} %`;

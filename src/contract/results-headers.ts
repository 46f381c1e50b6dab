/** What a reply of results says beside its rows. Apart from the schemas, so that the client comes without zod. */
export const RESULT_HEADERS = {
  /** `true` when the job has ended and these are the last of its rows; else `false`. */
  complete: 'boatload-complete',
  /** What to give as `pageToken` to get the rows after these; absent when that is all. */
  nextPageToken: 'boatload-next-page-token',
  /** Of a batch that has not ended: the file that its answers will be, and can be read from already. */
  outputFileId: 'boatload-output-file-id',
} as const;

/**
 * Finds the file of a thread: beside its starter in a clone, beside the bundle in the packaged app.
 *
 * @param name the file's, without its ending
 * @param starter `import.meta.url` of who starts it
 * @returns the address for `new Worker`
 */
export function threadFile(name: string, starter: string): URL {
  return new URL(`./${name}.${starter.endsWith('.ts') ? 'ts' : 'cjs'}`, starter);
}

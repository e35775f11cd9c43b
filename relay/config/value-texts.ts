/** What values of a kind look like, in the texts of keys. */
export const DURATION = 'A duration such as 500ms, 30s, 15m, 24h or 400d.';
export const SIZE = 'A size such as 64KB or 10MB; powers of 1024.';
export const FILE = 'A path relative to the directory of relay.yaml.';
export const SECRET = `${FILE} The file must not be readable by others (chmod 600).`;

/** Names and addresses of trackers in sentences. Pure. */

/** `host:port`, an IPv6 address in brackets. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The reason when a name has no address of the family, or of any. */
export function unresolved(host: string, family: 4 | 6 | undefined): string {
  return family === undefined ? `the name ${host} cannot be resolved` : `the name ${host} has no IPv${family} address`;
}

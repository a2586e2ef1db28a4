/** Who changes something, as the audit log names them. What they may do is decided before. */
export interface Actor {
  /** `admin-token`, `oidc:<subject>`, `file:<file name>`, or `system` for what the service does by itself. */
  name: string;
}

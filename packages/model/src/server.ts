/** A virtual machine, as the feed tells agents of it. Compute's API shows more; see the controller's compute room. */
export interface Server {
  id: string;
  name: string;
  project_id: string;
  /** Host that shall run it; empty when a hypervisor elsewhere does. */
  host: string;
  /** Whether it shall run. */
  running: boolean;
  /** Authorised SSH public key, or null. */
  public_key: string | null;
  created_at: string;
}

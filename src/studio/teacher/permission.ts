/** Chrome’s permission for a page to speak to this machine or to the network around it (since version 142). */
import type { TeacherAddress } from '../../engine/protocol/index.ts';

/** `none`: none is needed, or the browser knows of none. */
export type NearPermission = 'granted' | 'prompt' | 'denied' | 'none';

const isLoopback = (host: string): boolean => /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(host);

/** The names of the permission, the newest first; a browser that knows none of them asks for none. */
export async function nearPermission({ place }: TeacherAddress): Promise<NearPermission> {
  // What was opened on this machine may speak to this machine.
  if (place === 'public' || (place === 'loopback' && isLoopback(location.hostname))) return 'none';
  for (const name of [place === 'loopback' ? 'loopback-network' : 'local-network', 'local-network-access'])
    try {
      return (await navigator.permissions.query({ name: name as PermissionName })).state;
    } catch {
      // Not known by this name.
    }
  return 'none';
}

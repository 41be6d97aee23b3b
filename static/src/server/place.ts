// What of the page is open, as its address says it after the `#`.

export type TabName = 'connections' | 'channels' | 'nodes';
const TABS: readonly TabName[] = ['connections', 'channels', 'nodes'];

/** A tab, and what is opened beside it: a connection by its client, or a channel by its name. */
export interface Place {
  readonly tab: TabName;
  readonly open: { readonly kind: 'connection' | 'channel'; readonly id: string } | null;
}

export const FIRST: Place = { tab: 'connections', open: null };

export function connectionHash(client: string): string {
  return `#connection=${encodeURIComponent(client)}`;
}

export function channelHash(channel: string): string {
  return `#channel=${encodeURIComponent(channel)}`;
}

export function tabHash(tab: TabName): string {
  return `#${tab}`;
}

export function tabOf(name: string): TabName | null {
  return TABS.find(tab => tab === name) ?? null;
}

/** Reads an address; null for one that says nothing of this page. */
export function placeOf(hash: string): Place | null {
  if (hash === '' || hash === '#') return FIRST;
  const tab = tabOf(hash.slice(1));
  if (tab) return { tab, open: null };
  const [, kind, written = ''] = /^#(connection|channel)=(.+)$/.exec(hash) ?? [];
  if (kind !== 'connection' && kind !== 'channel') return null;
  try {
    return { tab: kind === 'connection' ? 'connections' : 'channels', open: { kind, id: decodeURIComponent(written) } };
  } catch {
    return null;
  }
}

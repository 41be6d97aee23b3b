// What must be as it was once everyone is gone.
import { until } from '../web/support.mjs';

/** Files that may be open beyond those at the start: a file of the database or two. */
const FILES_MORE_MAX = 6;
/** A server that just answers for the first time has some three tasks still to start; a leak would be one of each connection. */
const TASKS_MORE_MAX = 5;
/** Threads for blocking work come, and go after ten seconds. */
const THREADS_MORE_MAX = 24;
/** Who was started again has other files and threads than the process before. */
const RESTARTED_MORE_MAX = 8;
/** The longest that anything may linger, ms: a connection that says nothing is found out within its pings. */
const QUIET_MS_MAX = 12_000;
/** As long as entries in presence may outlive a node that was killed, or that lost Redis: 13 s, and the sweep after it. */
const LINGER_MS_MAX = 16_000;

/** What is used at the start, once it is all counted: tasks are once a second. */
export async function atStart(deployment) {
  return until('tasks are counted', async () => {
    const now = await deployment.usage();
    return now.nodes.every(({ tasks }) => tasks > 0) && now;
  });
}

/** What is more than at the start, in words. */
function leaks(deployment, before, now, { restarts }) {
  const spare = restarts ? RESTARTED_MORE_MAX : 0;
  const found = now.nodes.flatMap(({ connections, subscriptions, queues, tasks, files, threads }, i) => {
    const was = before.nodes[i];
    return [
      connections !== 0 && `${connections} connections`,
      subscriptions !== 0 && `${subscriptions} subscriptions`,
      queues !== 0 && `${queues} bytes in queues`,
      !(tasks <= was.tasks + TASKS_MORE_MAX + spare) && `${tasks} tasks, ${was.tasks} at the start`,
      files > was.files + FILES_MORE_MAX + spare && `${files} files, ${was.files} at the start`,
      threads > was.threads + THREADS_MORE_MAX && `${threads} threads, ${was.threads} at the start`,
    ].filter(Boolean).map(text => `node ${deployment.nodes[i].name} has ${text}`);
  });
  if (now.redis > before.redis) found.push(`redis has ${now.redis} clients, ${before.redis} at the start`);
  return found;
}

/**
 * Empties `channels` and `maps`; waits until everything is as it was at the start but for memory, and nobody is listed as present in
 * them; gives what is used then. `lingers`: entries may outlive their node.
 */
export async function untilQuiet(deployment, before, { channels, maps = [], restarts = false, lingers = false }) {
  // What they keep is no leak.
  for (const channel of channels) await deployment.nodes[0].api('history_remove', { channel });
  for (const channel of maps) await deployment.nodes[0].api('map_clear', { channel });
  for (const node of deployment.nodes) node.hangUp();
  let found = [];
  const nothing = async () => {
    const now = await deployment.usage();
    found = leaks(deployment, before, now, { restarts });
    for (const channel of channels) {
      const { num_clients: present } = await deployment.nodes[0].api('presence_stats', { channel });
      if (present > 0) found.push(`${present} are listed in ${channel}`);
    }
    deployment.nodes[0].hangUp();
    return found.length === 0 ? now : null;
  };
  try {
    return await until('all is quiet', nothing, lingers && channels.length > 0 ? LINGER_MS_MAX : QUIET_MS_MAX);
  } catch (error) {
    throw Object.assign(new Error(found.length > 0 ? found.join('; ') : error.message, { cause: error }), { verdict: 'leaked' });
  }
}

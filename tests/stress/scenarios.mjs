// All scenarios, those that take longest first.
import chaos from './scenarios/chaos.mjs';
import cluster from './scenarios/cluster.mjs';
import history from './scenarios/history.mjs';
import network from './scenarios/network.mjs';
import nodes from './scenarios/nodes.mjs';
import redis from './scenarios/redis.mjs';
import rooms from './scenarios/rooms.mjs';
import selftest from './scenarios/selftest.mjs';

export const SCENARIOS = [...network, ...cluster, ...chaos, ...nodes, ...redis, ...rooms, ...history, ...selftest];

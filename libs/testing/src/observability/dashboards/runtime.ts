import { type Dashboard, figure, graph, of, rate, table } from './dashboard';

export const runtime: Dashboard = {
  name: 'runtime',
  title: 'Runtime',
  description: 'The processes themselves: what they lack, and what they take of their machines.',
  panels: [
    figure('Processes', 'short', `count(${of('switchboard_build_info')})`, { description: 'That answer a scrape.' }),
    figure('Releases', 'short', `count(count by (version) (${of('switchboard_build_info')}))`, {
      description: 'More than one: an upgrade is under way, or stuck.',
    }),
    figure('Not ready', 'short', `sum(1 - ${of('switchboard_dependency_up', 'required="true"')})`, {
      description: 'Required dependencies out of reach.',
      red: 1,
    }),
    figure('Degraded', 'short', `sum(1 - ${of('switchboard_dependency_up', 'required="false"')})`, {
      description: 'Others out of reach: the process serves without.',
      red: 1,
    }),
    figure('Draining', 'short', `count(${of('switchboard_draining_seconds')} > 0) or vector(0)`, {
      description: 'Processes that end, and wait for their open streams.',
    }),
    figure('Starts', 'short', `sum(changes(${of('process_start_time_seconds')}[1h]))`, {
      description: 'Processes that began anew at the same address within the hour.',
    }),
    graph(
      'Event-loop delay, p99',
      's',
      { '{{job}} {{instance}}': of('nodejs_eventloop_lag_p99_seconds') },
      {
        description: 'How late a process gets to its work. Some ten milliseconds are normal; more adds to every call.',
      },
    ),
    graph(
      'CPU',
      'percentunit',
      { '{{job}} {{instance}}': rate('process_cpu_seconds_total') },
      {
        description: 'Share of one core. A process uses one for requests, and some of another for collection.',
      },
    ),
    graph(
      'Memory',
      'bytes',
      { '{{job}} {{instance}}': of('process_resident_memory_bytes') },
      {
        description: 'Resident. Rising for hours with steady traffic: a leak.',
      },
    ),
    graph(
      'Garbage collection',
      'percentunit',
      { '{{job}} {{instance}}': `sum by (job, instance) (${rate('nodejs_gc_duration_seconds_sum')})` },
      {
        description: 'Share of time. Above a tenth: the heap is too small for what it holds.',
      },
    ),
    table(
      'Dependencies',
      'short',
      `min by (job, instance, dependency, required) (${of('switchboard_dependency_up')})`,
      {
        description: '0: out of reach of that process.',
      },
    ),
    table('Releases', 'short', `count by (component, version) (${of('switchboard_build_info')})`, {
      description: 'Processes by service and release.',
    }),
    graph(
      'Open files',
      'percentunit',
      { '{{job}} {{instance}}': `${of('process_open_fds')} / ${of('process_max_fds')}` },
      {
        description: 'Share of the limit. Sockets are files: an edge takes two or more per request under way.',
      },
    ),
    graph(
      'Draining',
      's',
      { '{{job}} {{instance}}': of('switchboard_draining_seconds') },
      {
        description: 'How long a process has been ending. An edge waits up to DRAIN_MS.',
      },
    ),
  ],
};

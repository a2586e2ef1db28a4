import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `closed`: connections are refused; `silent`: they are taken and nothing ever comes; `open`: they lead to the server. */
export type GateState = 'closed' | 'silent' | 'open';

/** An address at which a server is, is not yet, or does not answer. */
export class Gate {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly target: number,
  ) {}

  static async create(state: GateState, target: number): Promise<Gate> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const gate = new Gate(port, target);
    await gate.become(state);
    return gate;
  }

  /** Ends the connections there are. */
  async become(state: GateState): Promise<void> {
    const { server } = this;
    if (server !== undefined) {
      this.server = undefined;
      server.close();
      for (const socket of this.sockets) socket.destroy();
      await once(server, 'close');
    }
    if (state === 'closed') return;
    this.server = createServer((socket) => {
      this.keep(socket);
      if (state === 'open') this.lead(socket);
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  private lead(socket: Socket): void {
    const onward = this.keep(connect(this.target, '127.0.0.1'));
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  }

  private keep(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    // Each end hears of the other's by its close.
    socket.on('error', () => undefined);
    return socket;
  }
}

package import Filesystem
package import Logging
package import NFSProtocol
import NIOCore
import NIOPosix
package import NodeRuntime
import Primitives

/// The NFS server of a node: versions 4.1 and 4.0 on one TCP port. `start` returns when the port is bound.
package final class NFSServer: Sendable {
    /// The port that it listens on.
    package let port: Int
    private let listener: any Channel
    private let loop: NFSLoop
    private let seam: SeamSessions
    private let group: MultiThreadedEventLoopGroup

    private init(port: Int, listener: any Channel, loop: NFSLoop, seam: SeamSessions, group: MultiThreadedEventLoopGroup) {
        self.port = port
        self.listener = listener
        self.loop = loop
        self.seam = seam
        self.group = group
    }

    package static func start(service: any NodeService, configuration: NFSServerConfiguration, logger: Logger) async throws(FileFailure)
        -> NFSServer
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let seam = SeamSessions(service: service)
        let state = NFSState(
            limits: configuration.limits, squash: configuration.squash, identity: configuration.identity, scope: configuration.scope,
            started: NFSLoop.civil)
        let loop = NFSLoop(
            state: state, seam: seam, loop: group.next(), connections: configuration.connections, logger: logger)
        let recordLimit = configuration.limits.recordBytes
        do {
            let listener = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // A client whose machine is gone without a word.
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelOption(
                    .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 65_536, maximum: 1 << 20)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(NFSConnection(owner: loop, recordLimit: recordLimit))
                    }
                }
                .bind(host: configuration.host, port: configuration.port).get()
            loop.start()
            return NFSServer(
                port: listener.localAddress?.port ?? configuration.port, listener: listener, loop: loop, seam: seam, group: group)
        } catch {
            try? await group.shutdownGracefully()
            throw failure(error, configuration)
        }
    }

    private static func failure(_ error: any Error, _ configuration: NFSServerConfiguration) -> FileFailure {
        let place = "\(configuration.host):\(configuration.port)"
        if let error = error as? IOError, error.errnoCode == 98 {
            return FileFailure(
                .busy, operation: "listen", object: place, cause: "the port is in use",
                hint: "stop the other program (the kernel's own NFS server?) or choose another nfs.port")
        }
        return FileFailure(.ioError, operation: "listen", object: place, cause: "\(error)", hint: "check nfs.port in the configuration")
    }

    package var counts: NFSCounts { loop.counts }
    package var figures: NFSFigures { loop.figures }

    /// Takes no new connections and ends those that there are. Clients go on when the server is there again.
    package func stop() async {
        try? await listener.close()
        await loop.stop()
        await seam.endAll()
        try? await group.shutdownGracefully()
    }
}

package import Filesystem
package import NIOCore
package import Primitives

/// Where a mount's operations go: one session on one file system, wherever the node of it runs. The mount knows no
/// mode of replication beyond `kind`, by which it tells what a kernel may keep and which locks hold.
package protocol FileEndpoint: Sendable {
    /// Carries out one operation; bounded, by whoever implements it, as the mount's options say. `payload` is the bytes of
    /// a `write`; the buffer returned, those of a `read`. `object` is what the operation removes or moves, where it is known:
    /// by it an operation whose answer was lost is told from what others did since.
    func perform(_ operation: FileOperation, payload: ByteBuffer?, object: InodeID?) async throws(FileFailure) -> (
        value: FileValue, data: ByteBuffer?
    )
}

extension FileEndpoint {
    package func perform(_ operation: FileOperation, payload: ByteBuffer?) async throws(FileFailure) -> (
        value: FileValue, data: ByteBuffer?
    ) {
        try await perform(operation, payload: payload, object: nil)
    }
}

/// How a file system is mounted.
package struct MountOptions: Sendable {
    package var kind: FilesystemKind
    /// Shown by `df` and in /proc/mounts, such as `volume/data`.
    package var source: String
    package var readOnly = false
    /// The directory that is the mount's root.
    package var root = InodeID.root
    /// How long the kernel believes attributes and names (seconds). Missing names are asked for each time on a network
    /// file system, so that whoever waits for a file sees it at once.
    package var attributeSeconds: Double
    /// Volumes: `flock` and `fcntl` locks hold within this machine only, and are not refused.
    package var localLocks = false
    /// Whether other users than the one who mounts may use it; needs root.
    package var allowsOthers = false

    package init(kind: FilesystemKind, source: String) {
        self.kind = kind
        self.source = source
        attributeSeconds = kind == .nfs ? 3 : 1
    }
}

/// Why a mount could not be made.
package struct MountFailure: Error, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

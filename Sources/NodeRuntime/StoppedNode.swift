package import NodeCore
package import Primitives
import Storage

/// The data directory of a node that does not run, held so that it does not start meanwhile, and read
/// only: a file `lock` is all that is touched.
package final class StoppedNode: Sendable {
    package let node: NodeID
    package let machines: StoredMachines
    private let directory: DataDirectory

    /// Fails where the directory is no node's, is in use, or holds what no node could start from.
    package init(_ path: String) throws(NodeStartError) {
        do {
            guard let identity = try DataDirectory.readIdentity(path) else {
                throw NodeStartError("\(path): it is no node's data directory")
            }
            directory = try DataDirectory(path, identity: identity)
            node = identity.node
            let recovered = try LogCheck.recover(directory.log, identity: identity)
            machines = StoredMachines(try NodeParts.restore(recovered, SnapshotStore(reading: directory.snapshots)))
        } catch {
            throw error as? NodeStartError ?? NodeStartError("\(error)")
        }
    }

    /// The chunks that lie here sound, every one read and hashed, and what was wrong with the others.
    package func soundChunks(progress: (_ done: UInt64, _ total: UInt64) -> Void) throws(NodeStartError) -> (
        chunks: Set<ChunkID>, findings: [String]
    ) {
        do {
            let (chunks, findings) = try StoreCheck.soundChunks(directory.chunks, progress: progress)
            return (chunks, findings.map { "\($0)" })
        } catch {
            throw NodeStartError("\(error)")
        }
    }

    package func close() { directory.close() }
}

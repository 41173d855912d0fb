import Filesystem
import Foundation
import Synchronization

/// A mount's record, which changes while it is served.
final class SharedRecord: Sendable {
    private let record: Mutex<MountRecord>
    private let point: MountPoint

    init(_ record: MountRecord, at point: MountPoint) {
        self.record = Mutex(record)
        self.point = point
    }

    /// After a lazy unmount another mount may have taken the place, and its record is not this one's to change.
    private var isOwn: Bool { MountRecord.read(point).map { $0.owner.pid == getpid() } ?? true }

    func write() throws { try record.withLock { $0 }.write(point) }

    func moved(to link: SessionEndpoint.Link) {
        let now = record.withLock { record in
            (record.address, record.session) = (link.node.address, String(link.session.rawValue))
            return record
        }
        if isOwn { try? now.write(point) }
    }

    func failed(_ words: String) {
        let now = record.withLock { record in
            (record.state, record.failure) = ("failed", words)
            return record
        }
        if isOwn { try? now.write(point) }
    }

    func remove() { if isOwn { MountRecord.remove(point) } }
}

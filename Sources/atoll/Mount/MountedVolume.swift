import APIClient
import Filesystem
import Foundation
import Primitives

/// The session of a mount, where a verb on volumes is given a mount point in the place of a name: names hold no `/`.
struct MountedVolume {
    let record: MountRecord
    private let point: MountPoint

    /// Nil where it is a name.
    init?(_ text: String, _ operation: String) throws {
        guard text.contains("/") else { return nil }
        point = MountPoint(text)
        guard let record = MountRecord.read(point), record.process.state != .gone else {
            throw CommandFailure(
                operation, point.path, "no volume is mounted there",
                hint: "`atoll mount volume/NAME \(point.path)` mounts one; `findmnt -t fuse.atoll` shows what is mounted")
        }
        guard record.source.hasPrefix("volume/") else {
            throw CommandFailure(
                operation, point.path, "it is a network file system: it has no commits or versions, and every change is visible at once")
        }
        self.record = record
    }

    /// The node that has the session.
    func target(_ options: TargetOptions) -> TargetOptions {
        var target = options
        guard options.cluster.endpoint == nil else { return target }
        let directory = ClusterDirectory(options.cluster.dataDirectory)
        if LocalFiles.exists(directory.tokenFile), ProcessInfo.processInfo.environment["ATOLL_ENDPOINT"] == nil {
            target.cluster.tokenFile = options.cluster.tokenFile ?? directory.tokenFile
        }
        target.cluster.endpoint = record.address
        target.cluster.cluster.dataDirectory = nil
        target.region = nil
        return target
    }

    func session(_ connection: Connection, _ operation: String) throws -> SessionID {
        guard connection.client.address == record.address, let number = UInt64(record.session) else {
            throw CommandFailure(
                operation, point.path, "its session is on the node at \(record.address), and \(connection.client.address) is asked",
                hint: "name that node by --endpoint")
        }
        return SessionID(number)
    }
}

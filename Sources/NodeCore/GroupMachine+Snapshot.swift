import Filesystem
import Namespace
package import Primitives
import Replication

/// Why a snapshot cannot be taken up.
package struct MachineSnapshotError: Error, Sendable, CustomStringConvertible {
    package let group: GroupID
    package let cause: String
    package var description: String { "snapshot of group \(group): \(cause); it will be fetched from another replica" }
}

/// A machine as bytes (docs/reference/snapshots.md): pieces, each behind its length. The first tells
/// what the machine is; a file system's tree follows in pieces of at most 1 MiB.
extension GroupMachine {
    private static let format: UInt32 = 4
    private static let pieceLimit = 64 << 20

    /// Hands out the bytes, one piece after the other.
    package func encodeSnapshot<Failure: Error>(_ write: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        var head = XDRWriter()
        head.write(Self.format)
        head.write(files != nil)
        if let files {
            head.write(files.filesystem)
            head.write(files.locks)
            head.write(files.nfsClients)
            head.write(files.clients)
            head.write(files.uploads)
        } else {
            head.write(catalog)
        }
        try write(Self.framed(head.bytes))
        guard let files else { return }
        for part in files.uploads.parts { try write(Self.framed(part)) }
        var encoder = SnapshotEncoder(files.namespace)
        while let piece = encoder.next() { try write(Self.framed(piece)) }
    }

    private static func framed(_ piece: [UInt8]) -> [UInt8] {
        var writer = XDRWriter(reserving: piece.count + 8)
        writer.write(opaque: piece)
        return writer.bytes
    }

    package init(snapshot bytes: [UInt8], group: GroupID) throws(MachineSnapshotError) {
        do {
            try self.init(decoding: bytes)
        } catch {
            throw MachineSnapshotError(group: group, cause: "\(error)")
        }
    }

    private init(decoding bytes: [UInt8]) throws {
        var reader = XDRReader(bytes)
        var head = XDRReader(try reader.opaque(limit: Self.pieceLimit))
        let format = try head.uint32()
        guard format == Self.format else { throw XDRError.badValue(what: "format of a snapshot", value: UInt64(format)) }
        self.init()
        guard try head.bool() else {
            catalog = try head.value()
            try head.finish()
            try reader.finish()
            return
        }
        let filesystem: FilesystemID = try head.value()
        let locks: LockTable = try head.value()
        let nfsClients: NFSClientTable = try head.value()
        let clients: ClientTable = try head.value()
        var uploads: CommitUploads = try head.value()
        try head.finish()
        try uploads.restore { () throws(XDRError) in Array(try reader.opaque(limit: CommitUploads.partBytes)) }
        var decoder = SnapshotDecoder()
        while reader.remaining > 0 { try decoder.consume(Array(try reader.opaque(limit: Self.pieceLimit))) }
        files = FilesMachine(
            filesystem: filesystem, namespace: try decoder.finish(), locks: locks, nfsClients: nfsClients, clients: clients,
            uploads: uploads)
    }
}

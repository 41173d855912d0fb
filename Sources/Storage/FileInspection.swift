package import Chunks
import Primitives

/// One piece of a file as it lies on the disk: a record of the log, a frame of a pack.
package struct InspectedPiece: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// Of the whole file: what its header says, as words.
        case header([String])
        case record(LogRecord)
        case frame(PackEntry)
        /// A sealed pack's list of frames.
        case footer
        /// What follows was never finished, or is destroyed.
        case unsound(String)
    }

    package let offset: UInt64
    package let content: Content
}

/// Shows what is in a file of a data directory, piece by piece, without a lock and without changing it:
/// the file of a running node may grow meanwhile.
package enum FileInspection {
    package enum Kind: String, Sendable {
        case log
        case pack
        case snapshot
    }

    /// By the magic number. Throws `.corrupt` for a file that is none of ours.
    package static func kind(of path: String) throws(StorageError) -> Kind {
        let file = try POSIXFileSystem().file(path, .read)
        let magic = try file.read(at: 0, count: 8)
        guard magic.count == 8 else { throw .corrupt(path: path, offset: 0, what: "it is too short for any file of a node") }
        switch magic.withUnsafeBytes({ $0.uint64(at: 0) }) {
        case LogSegmentHeader.magic: return .log
        case PackHeader.magic: return .pack
        case SnapshotFormat.magic: return .snapshot
        default: throw .corrupt(path: path, offset: 0, what: "it is no segment of a log, no pack and no snapshot")
        }
    }

    /// Calls `show` for each piece, in the order of the file.
    package static func run(_ path: String, _ show: (InspectedPiece) -> Void) throws(StorageError) {
        switch try kind(of: path) {
        case .log: try log(path, show)
        case .pack: try pack(path, show)
        case .snapshot: try snapshot(path, show)
        }
    }

    private static func log(_ path: String, _ show: (InspectedPiece) -> Void) throws(StorageError) {
        let file = try POSIXFileSystem().file(path, .read)
        let bytes = try file.read(at: 0, count: Int(try file.size()))
        try bytes.withBytes { buffer throws(StorageError) in
            let header = try LogSegmentHeader(buffer, path: path)
            show(
                InspectedPiece(
                    offset: 0,
                    content: .header(["segment \(header.number)", "first batch \(header.firstSequence)", "\(header.identity)"])))
            var offset = LogSegmentHeader.size
            while let batch = LogBatch.sound(buffer.part(offset, buffer.count - offset), salt: header.salt) {
                guard let records = LogBatch.records(buffer.part(offset, batch.size)) else { break }
                for item in records { show(InspectedPiece(offset: UInt64(offset + item.offset), content: .record(item.record))) }
                offset += batch.size
            }
            if buffer.part(offset, buffer.count - offset).contains(where: { $0 != 0 }) {
                show(InspectedPiece(offset: UInt64(offset), content: .unsound("no sound batch from here on")))
            }
        }
    }

    private static func pack(_ path: String, _ show: (InspectedPiece) -> Void) throws(StorageError) {
        let file = try POSIXFileSystem().file(path, .read)
        let bytes = try file.read(at: 0, count: PackHeader.size)
        do throws(PackProblem) {
            let header = try bytes.withBytes { buffer throws(PackProblem) in try PackHeader(buffer) }
            show(InspectedPiece(offset: 0, content: .header(["pack \(header.number)"])))
        } catch {
            try PackFiles.refuseNewer(error, path)
            throw .corrupt(path: path, offset: 0, what: "its header: \(error)")
        }
        var scanner = try PackScanner(file, from: 0, depth: .checksums)
        while let item = try scanner.next() {
            switch item {
            case .frame(let entry): show(InspectedPiece(offset: entry.offset, content: .frame(entry)))
            case .footer(let offset): show(InspectedPiece(offset: offset, content: .footer))
            case .damaged(let offset, let length, let problem, let entry):
                let chunk = entry.map { ", chunk \($0.id.hex)" } ?? ""
                show(InspectedPiece(offset: offset, content: .unsound("\(length) bytes are destroyed: \(problem)\(chunk)")))
            case .torn(let offset, let problem):
                show(InspectedPiece(offset: offset, content: .unsound("an append that was never finished: \(problem)")))
            }
        }
    }

    private static func snapshot(_ path: String, _ show: (InspectedPiece) -> Void) throws(StorageError) {
        let info = try SnapshotFormat.info(try POSIXFileSystem().file(path, .read))
        show(
            InspectedPiece(
                offset: 0,
                content: .header([
                    "group \(info.group)", "index \(info.index)", "term \(info.term)", "\(info.length) bytes", "SHA-256 \(info.digest.hex)",
                ])))
    }
}

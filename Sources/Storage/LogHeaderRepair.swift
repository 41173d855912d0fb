import Chunks
import Primitives

/// Writes headers of log segments anew that do not match their checksum. Nothing in a header is known from it alone:
/// the number is in the file's name, the owner in the data directory, the first batch's sequence in that batch, whose
/// checksum and salt prove that all of this is right. A segment without a sound batch at its beginning is left as it is.
struct LogHeaderRepair {
    private let directory: String
    private let identity: StorageIdentity
    private let system: any FileSystem

    init(_ directory: String, identity: StorageIdentity, system: any FileSystem) {
        self.directory = directory
        self.identity = identity
        self.system = system
    }

    /// What was done, in sentences.
    func run() throws(StorageError) -> [String] {
        var done: [String] = []
        let names = try system.names(directory)
        for name in names where name.hasSuffix(".wal") {
            guard let number = UInt64(name.dropLast(4)) else { continue }
            if let path = try mend(number) { done.append("\(path) at offset 0: wrote the segment's header anew, as its batches prove it") }
        }
        return done
    }

    private func mend(_ number: UInt64) throws(StorageError) -> String? {
        let path = LogReplay.path(directory, number)
        let file = try system.file(path, .readWrite)
        let bytes = try file.read(at: 0, count: Int(try file.size()))
        let header = try bytes.withBytes { buffer throws(StorageError) -> LogSegmentHeader? in
            do throws(StorageError) {
                _ = try LogSegmentHeader(buffer, path: path)
                return nil
            } catch {
                // A newer format is no damage.
                guard case .corrupt = error else { throw error }
            }
            guard buffer.count > LogSegmentHeader.size else { return nil }
            var header = LogSegmentHeader(number: number, firstSequence: 0, identity: identity)
            let first = LogBatch.sound(
                buffer.part(LogSegmentHeader.size, buffer.count - LogSegmentHeader.size), salt: header.salt)
            guard let first else { return nil }
            header.firstSequence = first.sequence
            return header
        }
        guard let header else { return nil }
        try file.write(header.bytes, at: 0)
        try file.sync()
        return path
    }
}

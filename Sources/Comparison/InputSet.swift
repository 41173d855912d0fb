package import Filesystem
internal import Foundation
internal import Primitives
package import Workloads

/// The real files of a run, and the bytes of every payload made from them.
package struct InputSet: Sendable {
    package struct Part: Sendable, Hashable {
        package var path: String
        package var name: String
        package var offset: UInt64
        package var size: UInt64
        package init(path: String, name: String, offset: UInt64, size: UInt64) {
            self.path = path
            self.name = name
            self.offset = offset
            self.size = size
        }
    }

    package var tree: [Part] = []
    package var large: [Part] = []
    /// Where they were found, for the report.
    package var origin = ""
    package init() {}

    package var inventory: InputInventory {
        InputInventory(
            tree: tree.map { InputFile(name: $0.name, size: $0.size) }, large: large.map { InputFile(name: $0.name, size: $0.size) })
    }

    /// The bytes of a payload. A file that changed under the run fails: its size was promised.
    package func bytes(_ payload: Payload, stamp: ContentStamp) throws(FileFailure) -> [UInt8] {
        switch payload {
        case .record(let seed, let length):
            return RecordText.bytes(seed: seed, length: Int(length))
        case .tree(let index, let offset, let length):
            return try stamped(tree[index], offset, UInt64(length), stamp, file: UInt64(index))
        case .large(let index, let salt, let offset, let length):
            return try stamped(large[index], offset, UInt64(length), stamp, file: UInt64(index) &+ (salt &+ 1) << 20)
        case .revised(let index, let revision, let offset, let length):
            var out: [UInt8] = []
            out.reserveCapacity(Int(length))
            for piece in revision.pieces(at: offset, length: UInt64(length)) {
                switch piece {
                case .fresh(let seed, let count): out += Revision.freshBytes(seed: seed, length: count)
                case .copy(let from, let count): out += try stamped(large[index], from, count, stamp, file: UInt64(index) &+ 1 << 20)
                }
            }
            return out
        }
    }

    private func stamped(_ part: Part, _ offset: UInt64, _ length: UInt64, _ stamp: ContentStamp, file: UInt64) throws(FileFailure)
        -> [UInt8]
    {
        var bytes = try Self.read(part, offset, length)
        stamp.apply(to: &bytes, offset: offset, file: file)
        return bytes
    }

    private static func read(_ part: Part, _ offset: UInt64, _ length: UInt64) throws(FileFailure) -> [UInt8] {
        func failure(_ cause: String) -> FileFailure {
            FileFailure(.ioError, operation: "read input", object: part.path, cause: cause, hint: "give a folder whose files do not change")
        }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: part.path))
            defer { try? handle.close() }
            try handle.seek(toOffset: part.offset + offset)
            data = try handle.read(upToCount: Int(length)) ?? Data()
        } catch {
            throw failure(error.localizedDescription)
        }
        guard data.count == Int(length) else { throw failure("has become shorter") }
        return [UInt8](data)
    }
}

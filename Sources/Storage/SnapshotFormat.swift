import Chunks
package import Primitives

/// Which snapshot: all of a group's entries up to `index` are in it.
package struct SnapshotInfo: Hashable, Sendable {
    package let group: GroupID
    package let index: UInt64
    package let term: UInt64
    /// Opaque bytes that belong to it, such as the group's members.
    package let meta: [UInt8]
    /// Bytes of its content.
    package let length: UInt64
    /// Of the whole content.
    package let digest: Digest
}

/// A snapshot file: header, meta, content, trailer; numbers are big-endian.
///
/// Header, 48 bytes: magic `ATOLSNAP` 8, version 4 (1), bytes of meta 4, group 8, index 8, term 8, zero 4,
/// CRC-32C of the 44 bytes before and of meta 4. Then the meta bytes, then the content.
/// Trailer, 56 bytes: length of the content 8, SHA-256 of the content 32, zero 4, CRC-32C of the trailer up to here 4,
/// magic `ATOLSEND` 8.
enum SnapshotFormat {
    static let magic: UInt64 = 0x4154_4F4C_534E_4150
    static let trailerMagic: UInt64 = 0x4154_4F4C_5345_4E44
    static let version: UInt32 = 1
    static let headerSize = 48
    static let trailerSize = 56
    static let maximumMeta = 1 << 20

    static func header(group: GroupID, index: UInt64, term: UInt64, meta: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: headerSize)
        out.withUnsafeMutableBytes { out in
            out.put(magic, at: 0)
            out.put(version, at: 8)
            out.put(UInt32(meta.count), at: 12)
            out.put(group.rawValue, at: 16)
            out.put(index, at: 24)
            out.put(term, at: 32)
            let sum = CRC32C.checksum(UnsafeRawBufferPointer(out).part(0, 44))
            out.put(meta.withUnsafeBytes { CRC32C.update(sum, $0) }, at: 44)
        }
        return out + meta
    }

    static func trailer(length: UInt64, digest: Digest) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: trailerSize)
        out.withUnsafeMutableBytes { out in
            out.put(length, at: 0)
            out.put(digest, at: 8)
            out.put(CRC32C.checksum(UnsafeRawBufferPointer(out).part(0, 44)), at: 44)
            out.put(trailerMagic, at: 48)
        }
        return out
    }

    /// What header and trailer of a file say.
    static func info(_ file: File) throws(StorageError) -> SnapshotInfo {
        let size = try file.size()
        guard size >= UInt64(headerSize + trailerSize) else {
            throw .corrupt(path: file.path, offset: 0, what: "it is too short for a snapshot")
        }
        let head = try file.read(at: 0, count: headerSize)
        let metaLength = try head.withBytes { head throws(StorageError) -> Int in
            guard head.uint64(at: 0) == magic else { throw .corrupt(path: file.path, offset: 0, what: "it is no snapshot") }
            let version = head.uint32(at: 8)
            guard version <= Self.version else {
                throw .newerFormat(path: file.path, found: UInt64(version), supported: UInt64(Self.version))
            }
            return Int(head.uint32(at: 12))
        }
        guard metaLength <= maximumMeta, UInt64(headerSize + metaLength + trailerSize) <= size else {
            throw .corrupt(path: file.path, offset: 12, what: "the length of its meta bytes cannot be")
        }
        let meta = try file.read(at: UInt64(headerSize), count: metaLength)
        let trailer = try file.read(at: size - UInt64(trailerSize), count: trailerSize)
        let sum = head.withUnsafeBytes { CRC32C.checksum($0.part(0, 44)) }
        guard head.withUnsafeBytes({ $0.uint32(at: 44) }) == meta.withUnsafeBytes({ CRC32C.update(sum, $0) }) else {
            throw .corrupt(path: file.path, offset: 0, what: "the snapshot's header does not match its checksum")
        }
        let content = size - UInt64(headerSize + metaLength + trailerSize)
        return try trailer.withBytes { trailer throws(StorageError) in
            guard trailer.uint64(at: 48) == trailerMagic, trailer.uint32(at: 44) == CRC32C.checksum(trailer.part(0, 44)),
                trailer.uint64(at: 0) == content
            else { throw .corrupt(path: file.path, offset: size - UInt64(trailerSize), what: "the snapshot's end is destroyed") }
            return head.withUnsafeBytes { head in
                SnapshotInfo(
                    group: GroupID(head.uint64(at: 16)), index: head.uint64(at: 24), term: head.uint64(at: 32), meta: meta,
                    length: content, digest: trailer.digest(at: 8))
            }
        }
    }
}

import CLinux
import Filesystem
import Foundation
import Primitives

/// Times, modes and extended attributes of local files.
enum LocalAttributes {
    /// Of the object itself, where it is a link.
    static func setModified(_ path: String, _ time: WallTime) {
        let seconds = time.seconds
        let one = timespec(tv_sec: Int(seconds), tv_nsec: Int(time.nanoseconds - seconds * 1_000_000_000))
        // The time of the last access stays as it is (UTIME_OMIT of utimensat(2)).
        let times = [timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2), one]
        _ = utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
    }

    /// The mode bits that a local copy gets. Set-id bits lend the rights of an owner: they are kept where the copy
    /// has the owner that they were meant for, and told of where it has not.
    static func mode(of attributes: FileAttributes, at path: String) -> (bits: mode_t, lost: String?) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return (mode_t(attributes.mode & 0o777), nil) }
        var bits = attributes.mode & 0o1777
        var lost: [String] = []
        if attributes.mode & 0o4000 != 0 {
            if status.st_uid == attributes.owner { bits |= 0o4000 } else { lost.append("set-user-id (of user \(attributes.owner))") }
        }
        if attributes.mode & 0o2000 != 0 {
            if status.st_gid == attributes.group { bits |= 0o2000 } else { lost.append("set-group-id (of group \(attributes.group))") }
        }
        return (mode_t(bits), lost.isEmpty ? nil : lost.joined(separator: " and "))
    }

    // MARK: Extended attributes

    private static let listLimit = 64 << 10
    private static let valueLimit = 64 << 10

    /// Those of users' own (`user.…`), by name; none where the file system has none.
    static func extended(_ path: String) -> [(name: [UInt8], value: [UInt8])] {
        var names = [CChar](repeating: 0, count: listLimit)
        let count = listxattr(path, &names, names.count)
        guard count > 0 else { return [] }
        var out: [(name: [UInt8], value: [UInt8])] = []
        for name in names[..<count].split(separator: 0).map({ $0.map { UInt8(bitPattern: $0) } }) where name.starts(with: "user.".utf8) {
            var value = [UInt8](repeating: 0, count: valueLimit)
            let length = getxattr(path, terminated(name), &value, value.count)
            if length >= 0 { out.append((name, Array(value[..<length]))) }
        }
        return out
    }

    /// False where the file system takes none.
    static func setExtended(_ path: String, _ name: [UInt8], _ value: [UInt8]) -> Bool {
        setxattr(path, terminated(name), value, value.count, 0) == 0
    }

    private static func terminated(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }
}

/// A local file that is written from front to back; runs of zeros become holes.
struct SparseWriter {
    private let descriptor: Int32
    private var offset: UInt64 = 0
    private static let block = 4_096

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// False with `errno` set where it can not be written.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        var place = 0
        while place < bytes.count {
            // Up to the next multiple of a block in the file.
            let count = min(bytes.count - place, Self.block - Int((offset + UInt64(place)) % UInt64(Self.block)))
            if Self.isZero(UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])) {
                guard put(bytes, start, place) else { return false }
                start = place + count
            }
            place += count
        }
        guard put(bytes, start, bytes.count) else { return false }
        offset += UInt64(bytes.count)
        return true
    }

    /// Gives the file its size, which a hole at its end has not.
    func finish() -> Bool { ftruncate(descriptor, off_t(offset)) == 0 }

    private func put(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        var start = start
        while start < end {
            let count = pwrite(descriptor, bytes.baseAddress! + start, end - start, off_t(offset) + off_t(start))
            if count > 0 { start += count } else if errno != EINTR { return false }
        }
        return true
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes[0] == 0 && memcmp(bytes.baseAddress!, bytes.baseAddress! + 1, bytes.count - 1) == 0
    }
}

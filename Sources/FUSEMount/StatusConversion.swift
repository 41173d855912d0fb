import CFuse
import Filesystem
import Glibc
import Primitives

extension FileAttributes {
    /// As stat(2) tells it.
    var status: stat {
        var status = stat()
        status.st_ino = ino_t(inode.rawValue)
        status.st_mode = type.bits | mode & 0o7777
        status.st_nlink = nlink_t(links)
        status.st_uid = owner
        status.st_gid = group
        status.st_size = Int(clamping: size)
        status.st_blksize = 128 << 10
        status.st_blocks = Int(clamping: (allocated + 511) / 512)
        status.st_rdev = dev_t(atoll_fuse_device(UInt32(truncatingIfNeeded: device >> 32), UInt32(truncatingIfNeeded: device)))
        status.st_atim = accessed.specification
        status.st_mtim = modified.specification
        status.st_ctim = changed.specification
        return status
    }
}

extension FileType {
    var bits: UInt32 {
        switch self {
        case .file: UInt32(Glibc.S_IFREG)
        case .directory: UInt32(Glibc.S_IFDIR)
        case .symlink: UInt32(Glibc.S_IFLNK)
        case .fifo: UInt32(Glibc.S_IFIFO)
        case .socket: UInt32(Glibc.S_IFSOCK)
        case .characterDevice: UInt32(Glibc.S_IFCHR)
        case .blockDevice: UInt32(Glibc.S_IFBLK)
        }
    }

    /// Of a mode that mknod(2) takes; no type bits make a file.
    init?(bits: UInt32) {
        switch bits & UInt32(Glibc.S_IFMT) {
        case 0, UInt32(Glibc.S_IFREG): self = .file
        case UInt32(Glibc.S_IFIFO): self = .fifo
        case UInt32(Glibc.S_IFSOCK): self = .socket
        case UInt32(Glibc.S_IFCHR): self = .characterDevice
        case UInt32(Glibc.S_IFBLK): self = .blockDevice
        default: return nil
        }
    }
}

extension WallTime {
    var specification: timespec {
        // Rounded down, as the time before 1970 wants it.
        var seconds = nanoseconds / 1_000_000_000
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 { (seconds, rest) = (seconds - 1, rest + 1_000_000_000) }
        return timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
    }

    /// Clamped to what 64 bits of nanoseconds hold (the years 1677 to 2262).
    init(_ time: timespec) {
        let (product, over) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overSum) = product.addingReportingOverflow(Int64(time.tv_nsec))
        self.init(nanoseconds: over || overSum ? (time.tv_sec < 0 ? .min : .max) : sum)
    }

    static var civil: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(time)
    }
}

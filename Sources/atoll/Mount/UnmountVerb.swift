import ArgumentParser
import Foundation

/// `atoll unmount`: takes a mount away and waits until its process has committed what it had staged.
struct UnmountVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount", abstract: "Unmount a directory; a volume's staged changes are committed.", aliases: ["umount"])

    private static let bound = Duration.seconds(90)
    /// How long the kernel may take to tell the mount's process that it is over. It does not where another mount namespace
    /// (a container, a service) has a copy of the mount: the process is told then.
    private static let notice = Duration.seconds(2)

    @Flag(help: "Take it away though files are open; they can be used until they are closed.")
    var lazy = false
    @Argument(help: ArgumentHelp("Where it is mounted.", valueName: "mountpoint"))
    var mountPoint: String

    func run() async throws {
        let point = MountPoint(mountPoint)
        let record = MountRecord.read(point)
        guard let there = point.mounted else {
            // The mount's process may be on its way out, and what it has to say is not to be lost.
            guard let record else {
                throw CommandFailure("unmount", point.path, "nothing is mounted there", hint: "see `findmnt -t fuse.atoll`")
            }
            return try await finish(point, record)
        }
        guard there.isOurs else {
            throw CommandFailure(
                "unmount", point.path, "\(there.source) (\(there.type)) is mounted there, which is not this program's", hint: "use umount")
        }
        let isStale = point.isStale
        guard point.unmount(lazily: lazy || isStale) else {
            let isBusy = errno == EBUSY
            throw CommandFailure(
                "unmount", point.path, isBusy ? "it is busy: a program has a file or its working directory there" : MountPoint.words,
                hint: isBusy ? "end it (`fuser -vm \(point.path)` shows it), or say --lazy" : "run it as the user who mounted it")
        }
        if isStale { Terminal.error("took away a stale mount of \(there.source) at \(point.path): its process had ended") }
        guard let record else { return }
        try await finish(point, record)
    }

    private func finish(_ point: MountPoint, _ record: MountRecord) async throws {
        if await !record.process.waitUntilGone(Self.notice) {
            if lazy {
                return Terminal.error("its process (\(record.owner.pid)) ends, and commits, when the last file there is closed")
            }
            record.process.signal(SIGTERM)
        }
        guard await record.process.waitUntilGone(Self.bound) else {
            throw CommandFailure(
                "unmount", point.path, "its process (\(record.owner.pid)) has not ended within 90 s", hint: "see `atoll status`")
        }
        guard let left = MountRecord.read(point) else { return }
        if let failure = left.failure {
            throw CommandFailure(
                "unmount", point.path, "it is unmounted, and not everything was committed: \(failure)",
                hint: record.source.hasPrefix("volume/")
                    ? "mount it again at the same place within 15 minutes: it takes up what was staged"
                    : "write again what was written last; a network file system keeps nothing for later")
        }
        guard record.source.hasPrefix("volume/") else { return MountRecord.remove(point) }
        Terminal.error(
            "the mount's process had been killed; what it had staged is kept by the node for 15 minutes: mount it here again to go on with it"
        )
    }
}

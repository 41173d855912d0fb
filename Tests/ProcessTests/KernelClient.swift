import Foundation

/// The Linux kernel's own NFS client: a kernel that runs as a process (Debian's `user-mode-linux`), whose root is this machine's,
/// read-only, and whose network is a namespace with no way out but to the servers that are named.
struct KernelClient {
    private static let modules = "/usr/lib/uml/modules"

    /// Why there is none here; empty where there is.
    static let obstacle: String = {
        guard geteuid() == 0 else { return "needs root" }
        let programs = [
            ("linux.uml", "user-mode-linux"), ("socat", "socat"), ("depmod", "kmod"), ("modprobe", "kmod"), ("mount.nfs4", "nfs-common"),
            ("ip", "iproute2"), ("unshare", "util-linux"), ("setsid", "util-linux"),
        ]
        let missing = programs.filter { !LiveMount.has($0.0) }.map(\.1)
        guard missing.isEmpty else { return "the packages \(Set(missing).sorted().joined(separator: ", ")) are missing" }
        guard FileManager.default.fileExists(atPath: "/dev/net/tun") else { return "/dev/net/tun is missing" }
        guard LiveMount.shell("unshare -n -m true").status == 0 else { return "this process may not make namespaces" }
        return ""
    }()

    let folder: String
    /// A folder that the client's programs write to, as `$SHARED`.
    var shared: String { folder + "/shared" }

    /// `servers`: addresses, which the client reaches as 10.99.0.1 from port 2049 on.
    init(_ cluster: LocalCluster, servers: [String], name: String = "k") throws {
        folder = cluster.folder.appendingPathComponent("\(name)-\(UInt32.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: true)
        let links = """
            set -e; mkdir -p '\(folder)/lib/modules'; cp -rs '\(Self.modules)/'* '\(folder)/lib/modules/'
            v=$(ls '\(folder)/lib/modules'); depmod -b '\(folder)' $v
            modprobe -d '\(folder)' -S $v --show-depends nfsv4 | awk '{print $2}' > '\(folder)/modules'
            """
        let made = LiveMount.shell(links)
        guard made.status == 0 else { throw LocalCluster.Failure(what: "the kernel's modules: \(made.output)") }
        try write("init", guest(name), mode: 0o755)
        try write("namespace", namespace(servers), mode: 0o755)
        try write("start", start(servers), mode: 0o755)
    }

    private func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(folder)/\(name)")
    }

    /// The client's first process. `mount_nfs VERSION SERVER EXPORT DIRECTORY` mounts.
    private func guest(_ name: String) -> String {
        """
        #!/bin/bash
        export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
        hostname \(name); mount -t proc proc /proc; mount -t sysfs sys /sys; mountpoint -q /dev || mount -t devtmpfs dev /dev
        mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm; ln -sf /proc/self/fd /dev/fd
        mount -t tmpfs run /run; mount -t tmpfs mnt /mnt; mkdir -p /mnt/a /mnt/b /mnt/w; mount -t hostfs none -o \(folder) /mnt/w
        export SHARED=/mnt/w/shared
        ip link set lo up; ip addr add 10.99.0.2/30 dev vec0; ip link set vec0 up
        while read -r module; do insmod "$module"; done < /mnt/w/modules
        mount_nfs() {
            mount.nfs4 "10.99.0.1:/$3" "$4" -o "vers=$1,port=$((2048 + $2)),proto=tcp,sec=sys,hard,timeo=100,nosharecache"
        }
        refused() { if "$@"; then echo "not refused: $*"; exit 9; fi; }
        # Waits for a file that the test makes.
        await() { for _ in $(seq 600); do [ -e "$SHARED/$1" ] && return; sleep 0.1; done; echo "no $1"; return 1; }
        ( set -e; . /mnt/w/script ) > /mnt/w/output 2>&1; echo $? > /mnt/w/status
        umount -f /mnt/a /mnt/b 2>/dev/null; sync; echo o > /proc/sysrq-trigger; sleep 5
        """
    }

    private func namespace(_ servers: [String]) -> String {
        var lines = ["ip link set lo up; ip tuntap add dev tapk mode tap; ip addr add 10.99.0.1/30 dev tapk; ip link set tapk up"]
        for place in servers.indices {
            lines.append(
                "socat TCP4-LISTEN:\(2_049 + place),bind=10.99.0.1,fork,nodelay UNIX-CONNECT:'\(folder)/s\(place)' >/dev/null 2>&1 </dev/null &"
            )
        }
        lines.append(
            "linux.uml umid=k$$ mem=384M vec0:transport=tap,ifname=tapk,depth=128,gro=1 root=/dev/root rootfstype=hostfs rootflags=/ ro "
                + "init='\(folder)/init' con=null con0=null,fd:1 quiet loglevel=3 </dev/null >'\(folder)/console' 2>&1")
        return "#!/bin/bash\n" + lines.joined(separator: "\n") + "\n"
    }

    /// Everything ends with the namespace of processes, whose first one ends with this script.
    private func start(_ servers: [String]) -> String {
        // Signals may be blocked: a process has those of the thread that starts it.
        var lines = ["cd '\(folder)'; ends=; trap 'kill -9 $ends 2>/dev/null' EXIT"]
        for (place, server) in servers.enumerated() {
            lines.append("socat UNIX-LISTEN:'\(folder)/s\(place)',fork TCP:\(server),nodelay >/dev/null 2>&1 & ends=\"$ends $!\"")
        }
        lines.append(
            "TMPDIR=/dev/shm timeout --signal KILL \"$1\" unshare -n -m -p -f --mount-proc --kill-child bash '\(folder)/namespace'")
        return "#!/bin/bash\n" + lines.joined(separator: "\n") + "\n"
    }

    /// Starts the client with a script of bash; `during` runs while it does.
    func run(_ script: String, within seconds: Int = 240, during: () async throws -> Void = {}) async throws -> CommandResult {
        try write("script", script)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["\(folder)/start", "\(seconds)"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        do { try await during() } catch {
            process.terminate()
            throw error
        }
        while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        func text(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
        let status = Int32(text("status").trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
        return CommandResult(status: status, output: text("output"), errors: status == -1 ? text("console") : "")
    }

    /// Waits until the script has made a file in `$SHARED`.
    func made(_ name: String) async -> Bool {
        await LocalCluster.eventually(within: 120) { FileManager.default.fileExists(atPath: "\(shared)/\(name)") }
    }

    func tell(_ name: String) { _ = FileManager.default.createFile(atPath: "\(shared)/\(name)", contents: nil) }
}

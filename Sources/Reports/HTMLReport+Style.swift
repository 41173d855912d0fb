// The page's one style sheet. Colours after Okabe and Ito: told apart by colour-blind readers, and
// always doubled by shape or word.
extension HTMLReport {
    static let style = """
        :root { --paper: #fcfcfa; --ink: #1b1e23; --soft: #5b626d; --line: #dfe1e4; --panel: #f3f4f2; --nfs: #b84a00; --nfs-fill: #d55e00;
          --nfs-wash: #fbeadd; --volume: #005a93; --volume-fill: #0072b2; --volume-wash: #e0eef8; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e8eb; --soft: #9aa3ae; --line: #2d333b; --panel: #1b1f25;
          --nfs: #f5a05f; --nfs-fill: #ee8a3c; --nfs-wash: #3a2616; --volume: #6fb7ee; --volume-fill: #4ba3e3; --volume-wash: #14304a; } }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", \
        Roboto, "Helvetica Neue",
          "Liberation Sans", Arial, sans-serif; font-variant-numeric: tabular-nums; }
        main { max-width: 1080px; margin: 0 auto; padding: 48px 28px 64px; }
        .eyebrow { color: var(--soft); font-size: 14px; margin: 0 0 6px; }
        h1 { font-size: clamp(30px, 5vw, 46px); line-height: 1.1; letter-spacing: -0.02em; margin: 0 0 18px; font-weight: 700; \
        text-wrap: balance; }
        h2 { font-size: 24px; line-height: 1.25; letter-spacing: -0.01em; margin: 0 0 10px; }
        h3 { font-size: 17px; line-height: 1.35; margin: 0 0 6px; }
        p { margin: 0 0 14px; max-width: 46em; }
        .lead { font-size: clamp(18px, 2.2vw, 21px); line-height: 1.5; max-width: 40em; text-wrap: pretty; }
        section { margin-top: 56px; }
        .nfs { color: var(--nfs); } .volume { color: var(--volume); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(215px, 1fr)); gap: 1px; background: var(--line); \
        border: 1px solid var(--line);
          border-radius: 10px; overflow: hidden; margin: 28px 0 10px; }
        .tile { background: var(--paper); padding: 18px 20px 16px; }
        .tile p { margin: 4px 0 0; color: var(--soft); font-size: 14px; line-height: 1.45; }
        .figure { font-size: 28px; font-weight: 650; letter-spacing: -0.01em; line-height: 1.2; white-space: nowrap; }
        .unit, .vs { color: var(--soft); font-weight: 400; font-size: 18px; }
        .key { font-size: 14px; max-width: none; display: flex; gap: 4px 20px; flex-wrap: wrap; margin-bottom: 0; }
        .mark { width: 13px; height: 13px; vertical-align: -1px; overflow: visible; }
        .choices { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; margin-bottom: 18px; }
        .choice { background: var(--panel); border-radius: 10px; padding: 18px 22px 10px; border-top: 4px solid; }
        .nfs-side { border-color: var(--nfs-fill); } .volume-side { border-color: var(--volume-fill); }
        ul { margin: 0 0 10px; padding-left: 1.15em; } li { margin: 0 0 6px; } li::marker { color: var(--soft); }
        .numbers { max-width: 50em; margin-top: 22px; } .choices + h3 { margin-top: 30px; }
        summary { cursor: pointer; font-weight: 600; margin-bottom: 10px; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.35; }
        th, td { padding: 7px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
        th { font-weight: 600; } thead th { color: var(--soft); border-bottom-width: 2px; vertical-align: bottom; }
        td:first-child, th:first-child, .left { text-align: left; }
        small { display: block; font-weight: 400; color: var(--soft); font-size: 12.5px; margin-top: 1px; }
        .passes td, .passes th { padding: 10px 14px; } .passes b { font-weight: 650; }
        .passes th:first-child { padding-left: 0; } .passes th small { white-space: normal; min-width: 11em; } .passes thead \
        small { min-width: 0; }
        .won-nfs { background: var(--nfs-wash); } .won-nfs b { color: var(--nfs); }
        .won-volume { background: var(--volume-wash); } .won-volume b { color: var(--volume); }
        .fairness { background: var(--panel); border-radius: 10px; padding: 20px 24px 12px; margin: 0; display: grid; \
        grid-template-columns: 15em 1fr; gap: 8px 24px;
          font-size: 15px; }
        .fairness dt { font-weight: 600; } .fairness dd { margin: 0; overflow-wrap: anywhere; }
        svg text { fill: var(--ink); font-family: inherit; } svg .soft { fill: var(--soft); }
        .panel { margin: 26px 0 34px; } .panel > p { color: var(--soft); font-size: 15px; }
        .plot { display: grid; grid-template-columns: 13.5em 9.5em 1fr 10em; column-gap: 0; font-size: 13.5px; line-height: 1.3; }
        .plot .op { font-weight: 600; border-top: 1px solid var(--line); padding: 6px 0 0; }
        .plot .where, .plot .track, .plot .read { border-top: 1px solid transparent; padding: 5px 0; color: var(--soft); }
        .plot .first { border-top-color: var(--line); }
        .plot .read { text-align: right; white-space: nowrap; } .plot .track { padding: 0; } .plot .where { white-space: nowrap; }
        .plot .track svg { display: block; width: 100%; height: 28px; overflow: visible; }
        .plot .axis { padding: 2px 0 0; } .plot .axis svg { height: 20px; font-size: 12px; }
        .strips .first, .strips .op { margin-top: 6px; } .held { fill: var(--ink); fill-opacity: .07; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .fill-nfs { fill: var(--nfs-fill); } .fill-volume { fill: var(--volume-fill); }
        .ring-nfs { fill: var(--paper); stroke: var(--nfs-fill); stroke-width: 2; } .ring-volume { fill: var(--paper); stroke: \
        var(--volume-fill); stroke-width: 2; }
        .line-nfs { stroke: var(--nfs-fill); } .line-volume { stroke: var(--volume-fill); }
        .between { stroke: var(--soft); stroke-opacity: .35; stroke-width: 1.5; }
        .narrow-only { display: none; }
        .figure-box { margin: 18px 0; } .figure-box svg { width: 100%; height: auto; display: block; }
        code { font: 14px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        .formula { background: var(--panel); border-radius: 8px; padding: 10px 14px; display: inline-block; margin: 0 0 14px; \
        max-width: 100%; }
        footer { margin-top: 64px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft); font-size: 14px; }
        @media (max-width: 760px) {
          main { padding: 28px 16px 48px; } section { margin-top: 44px; }
          .choices { grid-template-columns: 1fr; } .fairness { grid-template-columns: 1fr; gap: 2px; padding: 16px; } .fairness \
          dd { margin-bottom: 10px; }
          .wide-only { display: none; } .narrow-only { display: block; }
          .plot { grid-template-columns: 1fr auto; column-gap: 10px; }
          .plot .op { grid-column: 1 / -1; } .plot .where, .plot .where.first { border: 0; padding: 4px 0 0; } .plot .read, .plot \
          .read.first { border: 0; padding: 4px 0 0; order: 0; }
          .plot .track, .plot .track.first { grid-column: 1 / -1; order: 0; border: 0; }
          .plot .axis-gap { display: none; }
          .passes td, .passes th { padding: 8px 8px; } .figure { font-size: 25px; }
        }
        @media print { details { display: block; } section { break-inside: avoid-page; } }
        """

    /// A dot for the network file system, a diamond for the volume: shapes, not colours alone.
    static func nfsMark(_ className: String = "fill-nfs") -> String {
        "<circle r=\"\(className.hasPrefix("ring") ? 4.5 : 5.5)\" class=\"\(className)\"/>"
    }
    static func volumeMark(_ className: String = "fill-volume") -> String {
        className.hasPrefix("ring")
            ? "<path d=\"M0-5.6 5.6 0 0 5.6-5.6 0Z\" class=\"\(className)\"/>"
            : "<path d=\"M0-6.8 6.8 0 0 6.8-6.8 0Z\" class=\"\(className)\"/>"
    }
}

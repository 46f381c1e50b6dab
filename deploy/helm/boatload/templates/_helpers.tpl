{{- define "boatload.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "boatload.labels" -}}
app.kubernetes.io/name: boatload
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "boatload.selector" -}}
app.kubernetes.io/name: boatload
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "boatload.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "boatload.name" .) -}}
{{- end }}

{{- define "boatload.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- end }}

{{/* What all pods share beside their containers. Service links would set BOATLOAD_…_PORT for every Service of this name. */}}
{{- define "boatload.pod" -}}
enableServiceLinks: false
serviceAccountName: {{ include "boatload.serviceAccount" . }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of every container. */}}
{{- define "boatload.container" -}}
image: {{ include "boatload.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "boatload.env" -}}
- name: BOATLOAD_CONFIG
  value: /etc/boatload/boatload.yaml
- name: DATABASE_URL_FILE
  value: /run/secrets/boatload/database-url
- name: BOATLOAD_SECRET_FILE
  value: /run/secrets/boatload/secret
{{- if .Values.awsCredentials }}
- name: AWS_SHARED_CREDENTIALS_FILE
  value: /run/secrets/boatload/aws-credentials
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "boatload.mounts" -}}
- name: config
  mountPath: /etc/boatload
  readOnly: true
- name: secret
  mountPath: /run/secrets/boatload
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "boatload.volumes" -}}
- name: config
  configMap:
    name: {{ include "boatload.name" . }}
- name: secret
  secret:
    secretName: {{ .Values.existingSecret }}
    defaultMode: 0440
- name: tmp
  emptyDir: {}
{{- end }}

{{/* A first start reads much; after it the process must answer. */}}
{{- define "boatload.probes" -}}
startupProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{/* Prometheus finds pods by these where it looks for them. */}}
{{- define "boatload.annotations" -}}
checksum/config: {{ toYaml .Values.config | sha256sum }}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

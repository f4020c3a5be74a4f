import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_groups'),
        ('recommend', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Crossing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rows', models.JSONField(default=list)),
                ('counted_at', models.DateTimeField()),
                ('category', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.category')),
            ],
        ),
        migrations.CreateModel(
            name='Companions',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('basket', 'In one basket'), ('crossing', 'Next or together, from another category')], max_length=8)),
                ('rows', models.JSONField(default=list)),
                ('counted_at', models.DateTimeField()),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'kind'), name='companions_once')],
            },
        ),
        migrations.CreateModel(
            name='Demand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('popularity', models.FloatField(help_text='Recent days count more, purchases more than views')),
                ('recent', models.PositiveIntegerField(help_text='In the last days')),
                ('expected', models.FloatField(help_text='In as many days, by its own past')),
                ('rise', models.FloatField(help_text='Signed root of the Poisson deviance: how surprising `recent` is')),
                ('counted_at', models.DateTimeField()),
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'indexes': [models.Index(fields=['-popularity'], name='recommend_d_popular_cf42f1_idx'), models.Index(fields=['-rise'], name='recommend_d_rise_b307e5_idx')],
            },
        ),
        migrations.CreateModel(
            name='Exposure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='Its beginning')),
                ('shown', models.PositiveIntegerField(default=0)),
                ('clicks', models.PositiveIntegerField(default=0)),
                ('product', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'indexes': [models.Index(fields=['hour'], name='recommend_e_hour_fa71b7_idx')],
                'constraints': [models.UniqueConstraint(fields=('product', 'hour'), name='exposure_once')],
            },
        ),
    ]
